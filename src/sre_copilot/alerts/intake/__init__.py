"""What other systems send, read: one file a payload, each turning decoded JSON into alerts and saying what it could not read."""
