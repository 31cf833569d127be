"""Thirty seconds of clicks on a live server: ``python -m tests.tools.load`` (``make load``)."""
