"""From what is to be told to what people have: wording, limits, order, threads, retries, and a log of it."""
