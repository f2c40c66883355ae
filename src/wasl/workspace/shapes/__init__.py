"""What pages show, made from what rooms answer: plain values without a question left to ask."""
