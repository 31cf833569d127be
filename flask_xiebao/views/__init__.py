"""The views of the endpoints, and the responses that they share."""
