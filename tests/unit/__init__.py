"""Without an app: what the package computes, and how it is built."""
