"""Tests for the callback, for order queries, and for stored purchases."""
