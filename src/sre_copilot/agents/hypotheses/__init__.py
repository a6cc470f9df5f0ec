"""The table of hypotheses: what speaks for and against each, the tests that tell them apart, and a second pass that tries to refute."""
