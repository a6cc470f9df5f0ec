"""Whether words become the right queries, and whether unsafe SQL is refused."""
