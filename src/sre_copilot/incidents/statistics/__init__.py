"""How quickly things are found and mended, computed from the product's own records: with how many cases, and what is missing."""
