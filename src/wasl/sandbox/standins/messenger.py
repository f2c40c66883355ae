"""Facebook Messenger: a Page and the people who write to it. See `_graph.py`."""

from wasl.sandbox.standins._graph import MESSENGER, standin

STANDIN = standin(MESSENGER, "Messenger", "112000000000001", "50")
