"""Visits to a branch: what the kiosk or an agent at the counter says of somebody who came."""
