"""Versions of the package that are wrong in one place, and whether a check of a site sees it."""
