"""Tables as comma-separated values (RFC 4180) that spreadsheets open as they are."""

import csv
import io
from collections.abc import Iterable, Sequence

BOM = "\ufeff"  # without it spreadsheets take UTF-8 for something else
# The wide ones are what Chinese and Japanese spreadsheets take for the others.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Rows as text, each cell of them safe."""
    out = io.StringIO()
    csv.writer(out).writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(_FORMULA) else text
