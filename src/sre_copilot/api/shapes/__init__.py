"""What answers look like, as `/openapi.json` declares it; the answers themselves are written as they are, and tests hold them to their shapes."""
