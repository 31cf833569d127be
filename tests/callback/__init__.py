"""What the platform says of itself, and what it answers when it is asked."""
