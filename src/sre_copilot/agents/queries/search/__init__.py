"""Elasticsearch DSL: typed parts, a validator, a cost, and the rules that write it."""
