"""What steps do, by kind: those that answer at once, those that wait, and those that begin other runs."""
