"""Log lines: their forms, times and columns, and following files."""
