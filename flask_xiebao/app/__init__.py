"""The extension's parts for one app: settings, state, hooks, signals, URLs, headers and log."""
