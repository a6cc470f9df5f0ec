"""What is known beforehand: cards, procedures, past faults, documents; found, recalled, and learned under review."""
