"""Speaking to a language model: one door, with budget, redaction, wrapping and fall-back; or none at all."""
