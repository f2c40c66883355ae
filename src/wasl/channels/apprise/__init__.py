"""Services of the long tail, by Apprise: outbound only."""
