"""Tests for single modules: URLs, tokens, settings, notifications, platforms and texts."""
