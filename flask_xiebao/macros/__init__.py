"""What pages show: entries, cards and QR codes. The HTML is in the templates."""
