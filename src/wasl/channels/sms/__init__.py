"""Short messages by a Twilio-style API, and what every way of sending them has in common."""
