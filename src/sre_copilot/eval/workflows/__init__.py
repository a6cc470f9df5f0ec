"""How good workflows are that rules make of procedures."""
