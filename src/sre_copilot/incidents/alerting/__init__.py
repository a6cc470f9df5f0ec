"""The middle of alerting: one engine that works the inbox off, and the desk at which the ways in ask and command."""
