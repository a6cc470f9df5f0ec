"""Remediation: approved plans carried out step by step, watched, taken back when they do not help, and handed to people when nothing more can be done."""
