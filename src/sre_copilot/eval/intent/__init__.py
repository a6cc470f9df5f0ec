"""How well questions are understood, measured on questions with known answers."""
