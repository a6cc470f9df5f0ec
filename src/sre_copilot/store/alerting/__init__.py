"""Where alerts, incidents and what is decided about them rest: the inbox, the states, the timeline, the outbox."""
