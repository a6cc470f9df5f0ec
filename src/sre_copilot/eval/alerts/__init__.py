"""How few messages a stream of alerts becomes, and whether what matters is among them, measured on labelled alerts."""
