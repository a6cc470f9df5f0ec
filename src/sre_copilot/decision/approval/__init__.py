"""Who may agree to a plan, what a vote is worth, and whether what was agreed to may still be carried out. Pure: no I/O, and the time is an argument."""
