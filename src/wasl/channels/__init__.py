"""Channels: one folder a kind, all behind the port in `base`. They know nothing of conversations."""
