"""The tools: one file each, registered in `sre_copilot.tools`."""
