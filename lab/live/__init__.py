"""The shop watched live: a real Prometheus beside it, a resampled past, `sre-copilot serve`, and how soon it notices faults."""
