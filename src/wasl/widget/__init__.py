"""Web chat for other people's pages: the widget, and what its door must know of visitors."""
