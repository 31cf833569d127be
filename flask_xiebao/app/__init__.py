"""The parts of the extension that belong to one app: settings, state, hooks, signals and so on."""
