"""The parts of one app: settings, state, hooks, signals, endpoint URLs, headers and log."""
