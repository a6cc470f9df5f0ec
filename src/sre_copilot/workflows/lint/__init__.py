"""What is wrong with a workflow beyond its form: names that are not there, steps that are never reached, triggers that start themselves, secrets."""
