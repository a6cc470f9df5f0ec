"""Alerts that are one matter become one incident, and what is worth it wakes somebody; `correlator` is the way in."""
