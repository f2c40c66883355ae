"""A short word after something was done, with one way to take it back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Toast:
    """`undo` is the address a POST takes it back at, '' when there is nothing to take back."""

    text: str
    undo: str = ""
    seconds: int = 8
