"""What several tools share: windows, names, measuring, digests, and text that stays inert."""
