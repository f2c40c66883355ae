"""In which order many workers take the files of a test run: a file stays whole, and what takes longest begins first."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# A worker that looks at the demo starts it, which takes as long as many tests: two workers do, each in its lane.
LANES = {
    "tests/browser/test_widget.py": "browser 1",
    "tests/browser/test_calls.py": "browser 1",
    "tests/browser/test_portal.py": "browser 1",
    "tests/browser/test_writing.py": "browser 1",
    "tests/browser/test_models.py": "browser 1",
    "tests/browser/test_customer_page.py": "browser 1",
    "tests/browser/test_visits.py": "browser 1",
    "tests/browser/test_inboxes.py": "browser 1",
}
OTHER_LANE = "browser 2"
LONG = (
    "tests/browser/",
    "tests/cli/test_backup.py",
    "tests/customers/test_sequences.py",
    "tests/cli/",
    "tests/live/",
    "tests/mailservers/",
    "tests/intake/",
)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """Files as units, those of the browser two, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return LANES.get(file, OTHER_LANE) if file.startswith("tests/browser/") else file


def longest_first(items: list[pytest.Item]) -> None:
    """Order the tests of a run; those of a file stay as they are."""

    def place(item: pytest.Item) -> tuple[Any, ...]:
        file = item.nodeid.partition("::")[0]
        return (next((n for n, start in enumerate(LONG) if file.startswith(start)), len(LONG)),)

    items.sort(key=place)
