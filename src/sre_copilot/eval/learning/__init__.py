"""Whether what is learned helps and never harms: faults that come again, new ones, quiet times, and planted lies."""
