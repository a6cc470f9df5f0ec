"""What may be done to other systems, by what, and how carefully."""
