"""The REST interface: one file a noun."""
