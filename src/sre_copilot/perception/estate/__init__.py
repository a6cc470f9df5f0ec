"""What there is and what depends on what: rows, paths, and what can be derived."""
