"""How fast it is: each figure beside a peer's, measured in the same run (`python3 dev.py bench`)."""
