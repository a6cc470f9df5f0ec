"""How well documents are found and quoted, measured on questions with known answers."""
