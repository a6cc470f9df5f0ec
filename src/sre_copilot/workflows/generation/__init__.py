"""Workflows made from what is written elsewhere: a procedure, a diagnosis. What comes out is a draft for a person."""
