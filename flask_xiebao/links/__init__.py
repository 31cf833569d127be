"""The site's links, with their targets and tokens, the site's members, and the access rules.

The modules do not import Flask.
"""
