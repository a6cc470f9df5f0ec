"""The server of the Model Context Protocol: other agents ask ours, over standard input and output or at `/mcp`."""
