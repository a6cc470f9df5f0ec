"""The team: a copilot, experts that each know one kind of telemetry, function agents; none of them can act."""
