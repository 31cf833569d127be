"""Xiebao's protocol: its pages and their URLs, the callback and the order query.

No Flask in here.
"""
