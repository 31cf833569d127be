"""Tests for ``flask xiebao check``, the pytest fixtures and the gateway simulator."""
