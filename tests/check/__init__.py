"""Tests for the check of a site, the pytest fixtures and the simulator."""
