"""The event stream: what the database signals, to every open page that may see it."""
