"""The site's links: their targets, their tokens, the members, and the rules for access.

The modules do not import Flask.
"""
