"""Spans: the forms that tracing systems send, and the table they become."""
