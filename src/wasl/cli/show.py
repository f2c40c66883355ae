"""The table of settings, for a terminal and for docs/operating.md."""

import os
from itertools import groupby

from wasl.config.env import Setting, table


def settings() -> int:
    """Print every setting with its present value; returns 0."""
    for group, rows in groupby(table(), key=lambda row: row.group):
        print(f"\n{group}")
        for row in rows:
            print(f"  {row.name} = {_present(row)}   ({row.kind.says})\n      {row.help}")
    return 0


def _present(row: Setting) -> str:
    given = os.environ.get(row.name, "").strip()
    if not given:
        return row.default or "(empty)"
    return "(set, hidden)" if row.secret else f"{given}   [set; otherwise {row.default or 'empty'}]"


def markdown() -> str:
    """The tables of docs/operating.md."""
    parts = []
    for group, rows in groupby(table(), key=lambda row: row.group):
        parts += [f"### {group}", "", "| setting | otherwise | what it is |", "|---|---|---|"]
        parts += [
            f"| `{row.name}` | {f'`{row.default}`' if row.default else ''} | {row.help} |" for row in rows
        ]
        parts.append("")
    return "\n".join(parts)
