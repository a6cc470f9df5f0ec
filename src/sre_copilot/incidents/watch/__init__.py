"""The watch: every few seconds read, detect, record; and in the background learn."""
