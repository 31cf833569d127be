"""The gateway's protocol: pages and their URLs, notifications and the order query.

The modules do not import Flask.
"""
