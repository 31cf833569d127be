"""The extension's views, and the responses that they share."""
