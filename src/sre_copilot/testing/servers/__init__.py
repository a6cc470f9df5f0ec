"""Servers to test against: stand-ins for systems that cannot be had, and a proxy that misbehaves on demand.

Each listens on a free port of the loopback address while its context is open.
"""
