"""The operations of the API's Django part, by what they are about."""
