"""What the team answered, as JSON, Markdown and terminal text; whatever came from outside is harmless in each."""
