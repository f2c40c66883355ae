"""Numbers that agents type."""

from wasl.kit.phones import e164


def typed(text: str) -> str:
    """The customer's number in E.164. Raises ValueError for what is none, as one without the code of its country."""
    found = e164(text)
    if not found:
        raise ValueError("no telephone number")
    return found
