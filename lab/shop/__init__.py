"""The shop's services: one small file each over a common runtime."""
