"""A customer with a mail program: writes over SMTP to the demo, reads what the stand-in provider delivered."""

import smtplib
import time
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import formataddr, localtime, make_msgid

from tests.browser.demo import Demo

PATIENCE = 60.0
_PARSER = BytesParser(EmailMessage, policy=policy.default)


@dataclass
class Customer:
    """Somebody with a mailbox that ends in .example. `sent`: the Message-IDs of what they wrote, oldest first."""

    demo: Demo
    name: str
    address: str
    shop: str = "support@dar-zaytun.example"
    sent: list[str] = field(default_factory=list)

    def write(self, subject: str, text: str, answering: EmailMessage | None = None) -> None:
        """A mail to the shop; `answering` one of its mails, which is quoted below as mail programs do."""
        mail = EmailMessage()
        mail["From"] = formataddr((self.name, self.address))
        mail["To"] = self.shop
        mail["Date"] = localtime()
        mail["Message-ID"] = make_msgid(domain=self.address.partition("@")[2])
        mail["Subject"] = subject
        if answering:
            mail.replace_header("Subject", f"Re: {subject}")
            mail["In-Reply-To"] = answering["Message-ID"]
            mail["References"] = f"{answering.get('References', '')} {answering['Message-ID']}".strip()
            text = f"{text}\n\n{_quoted(answering)}"
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.demo.smtp, timeout=30) as wasl:
            wasl.send_message(mail)
        self.sent.append(str(mail["Message-ID"]))

    def mails(self) -> list[EmailMessage]:
        """What is in the mailbox, oldest first."""
        stored = reversed(self.demo.place.mails(self.address))
        return [_PARSER.parsebytes(each.path.read_bytes()) for each in stored]

    def with_words(self, words: str) -> list[EmailMessage]:
        """The mails that say this."""
        return [mail for mail in self.mails() if words in said(mail)]

    def await_mail(self, words: str) -> EmailMessage:
        """The one mail that says this, once it is there. Fails when none comes, or several did."""
        end = time.monotonic() + PATIENCE
        while not (found := self.with_words(words)):
            assert time.monotonic() < end, (words, [said(mail) for mail in self.mails()])
            time.sleep(0.1)
        assert len(found) == 1, f"{len(found)} copies of {words!r}"
        return found[0]


def said(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def _quoted(mail: EmailMessage) -> str:
    lines = "\n".join(f"> {line}" for line in said(mail).splitlines())
    return f"On {mail['Date']}, {mail['From']} wrote:\n{lines}"
