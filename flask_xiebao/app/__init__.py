"""Modules for one app: the extension's settings, state, hooks, signals, URLs, headers and log."""
