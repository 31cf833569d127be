"""What the manual says: it is run."""
