"""Purchases in a site's own database."""
