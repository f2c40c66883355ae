"""Programs of the business: signed JSON both ways, for whatever has no channel of its own."""
