"""What a person wrote in a message that has a text, or HTML, or both."""

from wasl.channels.email.html import to_text
from wasl.channels.email.trim import markup, split


def written(text: str, html: str = "") -> str:
    """Plain text; of the HTML when there is any, whose tags say more. Empty when all is quotation."""
    if html:
        return to_text(markup.written(html))
    return split.written(text)
