"""Tests for pages with insurance entries: their HTML, their texts and their cache headers."""
