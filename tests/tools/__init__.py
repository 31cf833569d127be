"""Not tests: what measures, attacks and spoils the package."""
