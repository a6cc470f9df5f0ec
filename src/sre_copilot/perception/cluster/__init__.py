"""What the Kubernetes source consists of."""
