"""Commands on this machine and on others, each a list of words that no shell takes apart unnoticed; a time-out ends them, and their output is limited."""
