"""Workflows of the user's own: read, checked, run durably, simulated, generated."""
