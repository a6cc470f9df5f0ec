"""Policies of the user's own: rules that make decisions stricter, or let an action earn autonomy, with tests beside them in the same file."""
