"""What pages show, and what becomes of it when they are kept."""
