"""Function agents: what is done with what the experts found."""
