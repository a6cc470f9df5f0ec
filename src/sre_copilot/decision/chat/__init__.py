"""Decisions that come in from chat platforms: whether the platform sent a request, and what it says. One file a platform; no I/O."""
