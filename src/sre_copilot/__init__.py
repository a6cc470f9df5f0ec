"""SRE Copilot: says what broke, where and why, with evidence that anyone can re-run."""

__version__ = "0.1.0"
