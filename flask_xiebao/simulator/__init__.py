"""The gateway from the other side, written a second time and by hand: it reads, sells and tells."""
