"""The site's links: their entries and tokens, the members, and the access rules.

The modules do not import Flask.
"""
