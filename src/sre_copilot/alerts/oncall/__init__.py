"""Who is on call: persons, rotations, calendars, overrides. Pure; a time that nobody covers is said, never filled."""
