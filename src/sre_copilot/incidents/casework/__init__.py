"""Casework: from an incident that was opened to what is known of its cause, durable, and again when the evidence changes."""
