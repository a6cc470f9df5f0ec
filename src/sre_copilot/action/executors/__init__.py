"""Executors: one file a system; each changes its system alone, and knows none of the others."""
