"""The native, asynchronous entrances: one port for pages, API and live stream, and the mail listener."""
