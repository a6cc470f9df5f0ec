"""Tries a workflow on what was recorded: the engine itself decides, and nothing is done, sent or asked."""
