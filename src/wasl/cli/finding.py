"""One result of `wasl check`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`warn` is worth a look, `fail` means that something does not work; `advice` says what to do."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", text)


def warn(name: str, text: str, advice: str) -> Finding:
    """Worth a look."""
    return Finding(name, "warn", text, advice)


def fail(name: str, text: str, advice: str) -> Finding:
    """Does not work."""
    return Finding(name, "fail", text, advice)


def graded(name: str, text: str, advice: str, *, warn_if: bool, fail_if: bool = False) -> Finding:
    """Fine, unless one of the two conditions holds; the advice is given only then."""
    if fail_if:
        return fail(name, text, advice)
    return warn(name, text, advice) if warn_if else ok(name, text)


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
