"""Golden signals of transactions, and databases that may only be read."""
