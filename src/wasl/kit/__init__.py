"""Floor 0: small pure helpers."""
