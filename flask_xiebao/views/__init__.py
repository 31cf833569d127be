"""What the endpoints answer: a click, a mail's QR code, a return from payment, a notification."""
