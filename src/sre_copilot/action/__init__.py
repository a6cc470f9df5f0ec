"""What reaches out to people and, later, to systems; only the composition root and `incidents.delivery` get at it."""
