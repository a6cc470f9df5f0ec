"""Queries of somebody's own, sent to a system so that they can only read, within limits."""
