"""Where facts rest: the database, its schema and migrations, and the learned arrays."""
