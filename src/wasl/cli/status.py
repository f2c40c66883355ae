"""`run/status.json`: what the supervisor knows, for `wasl check`, `wasl stop` and whoever looks."""

import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "status.json"


class Writer:
    """Writes the file whenever something in it has changed, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._last: dict[str, Any] = {}

    def write(self, state: dict[str, Any]) -> None:
        """Put a new state in place of the last."""
        if state == self._last:
            return
        self._last = state
        draft = self.path.with_suffix(".draft")
        if not self.path.parent.exists():
            return  # the folder was taken away; the guardian and PostgreSQL notice by themselves
        draft.write_text(json.dumps(state | {"written": time.time()}, indent=1) + "\n")
        os.replace(draft, self.path)

    def clear(self) -> None:
        """Nothing runs any more."""
        self.path.unlink(missing_ok=True)


def read(folder: Path) -> dict[str, Any] | None:
    """The last state that a running or killed supervisor wrote; None after a clean stop."""
    try:
        found = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def pids(state: dict[str, Any]) -> dict[str, int]:
    """Process ids by name, of those that ran when the state was written."""
    return {name: entry["pid"] for name, entry in state["processes"].items() if entry["pid"]}
