"""The room: one thread per investigation in which people, post agents and tool agents speak."""
