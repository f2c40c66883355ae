"""Direct messages on X."""
