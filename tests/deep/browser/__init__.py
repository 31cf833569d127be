"""What only browsers can tell, and need not at each change."""
