"""What a query, a script, an alert rule or a configuration does, in words, and its risk; from its parsed form, without a model."""
