"""The commands, as whoever types them sees them."""
