"""The site's own links: what they say, whose they are, and who may follow them.

No Flask in here.
"""
