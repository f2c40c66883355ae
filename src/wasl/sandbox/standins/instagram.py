"""Instagram: a professional account and the people who write to it. See `_graph.py`."""

from wasl.sandbox.standins._graph import INSTAGRAM, standin

STANDIN = standin(INSTAGRAM, "Instagram", "178410000000001", "60")
