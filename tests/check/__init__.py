"""Tests of the check, the fixtures and the simulator."""
