"""Where telemetry is looked at: a recorded case, or live sources."""
