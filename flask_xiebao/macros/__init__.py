"""The Python code behind the Jinja macros for entries, cards and QR codes.

The HTML of the macros is in the templates.
"""
