"""What one application has: settings, state and hooks, where its links lead, headers and log."""
