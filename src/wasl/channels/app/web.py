"""Web push: a browser rings, with a text that only it can read.

Source: RFC 8030 (5, 7.3, 8.4), RFC 8291, RFC 8292.
"""

from wasl.channels.app.ring import LIFE, Device, Gone, Notice, Why, failure, fitting, shortened
from wasl.channels.port import Settings
from wasl.channels.provider import ask
from wasl.kit import webpush


def ring(inbox: Settings, device: Device, notice: Notice, subject: str) -> str:
    """Call a browser; the push service's name of the message. `subject` is an address of ours (RFC 8292, 2.1).

    Raises Gone, Unreached, TemporaryFailure, PermanentFailure or InDoubt.
    """
    topic = notice.id.replace("-", "")
    body, headers = webpush.request(
        device.token, device.key, device.auth, text(notice), subject=subject, topic=topic, life=LIFE
    )
    said = ask("POST", device.token, body=body, headers=headers, private=inbox.private)
    if 200 <= said.status < 300:
        return str(said.headers.get("location", ""))[-200:]
    detail = said.raw[:300].decode("utf-8", "replace")
    if said.status in (404, 410):
        raise Gone(Why.GONE, str(said.status), detail)
    # The subscription was made with another server's key, and rings for nobody any more.
    if said.status in (401, 403):
        raise Gone(Why.INVALID, str(said.status), detail)
    raise failure(said, str(said.status), detail)


def text(notice: Notice) -> bytes:
    """What the service worker is given: JSON of at most 3,000 bytes."""
    return fitting(
        lambda most: {
            "title": shortened(notice.title, 120), "body": shortened(notice.text, most), "tag": notice.id,
            "lang": notice.language, "page": notice.page[:1000], "unread": notice.unread,
        },
        600, webpush.LONGEST,
    )  # fmt: skip
