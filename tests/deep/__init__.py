"""Slow tests, which only ``make test-all`` runs."""
