"""What the endpoints answer: a click, a payment that comes back, a notification."""
