"""What the Prometheus source consists of."""
