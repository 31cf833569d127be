"""Slow tests that open pages in Chromium and Firefox."""
