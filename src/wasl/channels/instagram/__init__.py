"""Instagram's direct messages, comments and mentions."""
