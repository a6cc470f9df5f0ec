"""Experts: each knows one kind of telemetry, looks for what is abnormal in it, and answers questions about it."""
