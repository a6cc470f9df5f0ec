"""The team, measured: the same incidents with no model, with models that behave and that do not, with knowledge and with attacks."""
