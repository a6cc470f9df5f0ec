"""The routing tree: which receivers an alert reaches, how it is grouped, and when a route is quiet."""
