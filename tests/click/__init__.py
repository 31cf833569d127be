"""A click on a link: who goes, where to, and what the answer says of it."""
