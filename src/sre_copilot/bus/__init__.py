"""How events travel between parts and to other systems: one port, and a transport for each kind of broker."""
