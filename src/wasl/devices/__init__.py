"""Customers' devices: which there are, and ringing them when something new stands in the in-app inbox."""
