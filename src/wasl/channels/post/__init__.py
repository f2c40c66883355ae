"""Letters on paper: a PDF with the address where the window is, handed to whoever prints and posts it."""
