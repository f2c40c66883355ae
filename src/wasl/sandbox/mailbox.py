"""A customer's mail program: reads their mailbox, and writes to Wasl over SMTP as any mail program would."""

import re
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from wasl.channels.base import Address, OutboundMessage, ParsedMessage, Part, Unparseable
from wasl.channels.email.compose import compose
from wasl.channels.email.parse import parse
from wasl.sandbox.place import Box, Entry, NoSuchMail, Place, Stored, message_id

REPLY = re.compile(r"^\s*(re|aw|sv|rv|رد|ردّ|الرد)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)
_PREFIX = {"ar": "رد: ", "fr": "Re : ", "it": "R: ", "en": "Re: "}
_WROTE = {
    "ar": "في {date}، كتب {name}:",
    "fr": "Le {date}, {name} a écrit :",
    "it": "Il {date} {name} ha scritto:",
    "en": "On {date}, {name} wrote:",
}


class Refused(Exception):
    """Wasl did not take the mail; `said` is its answer, or why there was none."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the mail program shows it. `unread` is of the mailbox, all else of the mail."""

    name: str
    box: Box
    at: datetime
    unread: bool
    content: ParsedMessage

    @property
    def from_or_to(self) -> Address:
        """Whom the list names: who wrote it, or for sent mail who it was for."""
        return self.content.sender if self.box == "inbox" or not self.content.to else self.content.to[0]

    @property
    def lead(self) -> str:
        """What mail programs put before the subject of an answer (“Re:”), which says nothing of its direction."""
        found = REPLY.match(self.content.subject)
        return found[0].strip() if found else ""

    @property
    def title(self) -> str:
        """The subject without that."""
        return REPLY.sub("", self.content.subject, count=1).strip()

    @property
    def message_id(self) -> str:
        """Without angle brackets, maybe ''."""
        return self.content.message_id


def mails(place: Place, address: str, box: Box = "inbox") -> list[Mail]:
    """What is in a mailbox, newest first."""
    return [_mail(place, address, stored, box) for stored in place.mails(address, box)]


def mail(place: Place, address: str, name: str, box: Box = "inbox") -> Mail:
    """One mail. Raises place.NoSuchMail."""
    return _mail(place, address, place.mail(address, name, box), box)


def _mail(place: Place, address: str, stored: Stored, box: Box) -> Mail:
    content = _parsed(place.mailbox(address, box), stored.name)
    return Mail(stored.name, box, datetime.fromtimestamp(stored.at, UTC), not stored.seen, content)


@lru_cache(maxsize=64)
def _parsed(folder: Path, name: str) -> ParsedMessage:
    """A mail never changes; only its file's name does, when it is read."""
    for path in (folder / "new" / name, folder / "cur" / f"{name}:2,S", folder / "cur" / f"{name}:2,"):
        try:
            return parse(path.read_bytes())
        except FileNotFoundError:
            continue
        except Unparseable as error:
            return ParsedMessage(
                channel="email", sender=Address("", "unreadable@sandbox.example"), text=str(error)
            )
    raise NoSuchMail(name)


def answer_to(original: Mail, language: str) -> tuple[Address, str]:
    """Whom a reply goes to, and its subject."""
    content = original.content
    to = content.reply_to[0] if content.reply_to else content.sender
    subject = (
        content.subject if REPLY.match(content.subject) else _PREFIX.get(language, "Re: ") + content.subject
    )
    return to, subject


def quoted(original: Mail, language: str, date: str) -> str:
    """The text of the mail that is answered, as mail programs put it below the answer."""
    content = original.content
    name = content.sender.name or content.sender.address
    head = _WROTE.get(language, _WROTE["en"]).format(date=date, name=f"{name} <{content.sender.address}>")
    return "\n".join([head, *(f"> {line}".rstrip() for line in content.text.splitlines())])


def write(
    person: Address,
    to: Address,
    subject: str,
    text: str,
    *,
    files: Sequence[Part] = (),
    original: Mail | None = None,
    quote: str = "",
    language: str = "",
) -> bytes:
    """A mail as this person's mail program makes it, in the thread of `original`. Raises ValueError."""
    references: tuple[str, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    if original is not None and original.message_id:
        in_reply_to = (original.message_id,)
        references = (*original.content.references, original.message_id)
    domain = person.address.rpartition("@")[2]
    return compose(
        OutboundMessage(
            message_id=f"{uuid4().hex}@{domain}",
            date=datetime.now(UTC),
            from_=person,
            to=(to,),
            subject=subject,
            text=f"{text.rstrip()}\n\n{quote}" if quote else text,
            in_reply_to=in_reply_to,
            references=references,
            parts=tuple(files),
            language=language,
        )
    )


def send(place: Place, person: Address, to: Address, raw: bytes, *, host: str, port: int) -> str:
    """Hand a mail to Wasl's listener, and keep a copy among the sent; what Wasl said. Raises Refused."""
    said, taken = hand_over(person.address, to.address, raw, host, port)
    what = "sent" if taken else "not_taken"
    place.note(Entry(time.time(), what, person.address, to.address, message_id(raw), len(raw), said))
    if not taken:
        raise Refused(said)
    place.deliver(person.address, raw, "sent")
    return said


def hand_over(sender: str, to: str, raw: bytes, host: str, port: int) -> tuple[str, bool]:
    """Give a mail to a listener: what it said, or why it said nothing; and whether it took the mail."""
    try:
        with smtplib.SMTP(
            host, port, local_hostname=sender.rpartition("@")[2] or "sandbox.example", timeout=20
        ) as smtp:
            smtp.ehlo_or_helo_if_needed()
            size = [f"size={len(raw)}"] if smtp.has_extn("size") else []
            code, text = smtp.mail(sender, size)
            if code == 250:
                code, text = smtp.rcpt(to)
            if code == 250:
                code, text = smtp.data(raw)
            return f"{code} {text.decode('utf-8', 'replace')}", code == 250
    except (OSError, smtplib.SMTPException) as error:
        return str(error) or type(error).__name__, False
