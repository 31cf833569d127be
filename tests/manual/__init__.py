"""Tests for the code and the commands in the manual and the READMEs."""
