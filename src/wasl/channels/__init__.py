"""Channels: one folder a kind, all speaking in the values of `base`. They know nothing of conversations."""
