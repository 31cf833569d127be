"""Thirty seconds of clicks on a live server: ``python -m tests.load`` (``make load``)."""
