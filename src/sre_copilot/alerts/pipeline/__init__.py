"""The way of an alert, from its receipt to what people are told of it; `flow` has the order of its stages on one line."""
