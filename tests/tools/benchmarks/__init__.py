"""What the extension costs, side by side with others: `make bench`."""
