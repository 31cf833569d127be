"""Tests for the demo app: a travel shop with a console for QA."""
