"""Wasl: everything a business and its customers say to each other."""
