"""The telephone, by a Twilio-style API."""
