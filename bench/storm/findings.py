"""What is noted while everything is counted: what must not be, and the figures."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Verdict:
    """`faults`: everything that must not be, in words; `figures`: what was counted."""

    faults: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def expect(self, fine: bool, fault: str) -> None:
        """Note a fault unless all is fine."""
        if not fine:
            self.faults.append(fault)

    def none(self, what: str, found: Iterable[Any]) -> None:
        """There must be none of these."""
        listed = sorted(map(str, found))
        self.expect(not listed, f"{what}: {len(listed)}, such as {', '.join(listed[:3])}")


Read = Callable[..., list[tuple[Any, ...]]]


def acknowledged(folder: Path, pattern: str) -> dict[str, dict[str, Any]]:
    """What the ledgers say, by key."""
    lines = [line for path in folder.glob(pattern) for line in path.read_text().splitlines()]
    return {entry["key"]: entry for entry in map(json.loads, lines)}
