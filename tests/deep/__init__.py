"""What `make test` need not try each time: `make test-all` does."""
