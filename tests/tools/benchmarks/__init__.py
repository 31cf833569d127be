"""Benchmarks of the extension and of similar libraries (``make bench``)."""
