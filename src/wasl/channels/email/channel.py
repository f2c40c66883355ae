"""The port, for e-mail."""

from __future__ import annotations

from wasl.channels.base import OutboundMessage, ParsedMessage, Sent
from wasl.channels.email.compose import compose
from wasl.channels.email.parse import parse
from wasl.channels.email.send import SmtpConnection


class EmailChannel:
    """The port for e-mail, over one SMTP connection; for one thread at a time."""

    name = "email"

    def __init__(self, connection: SmtpConnection) -> None:
        self.connection = connection

    def parse(self, raw: bytes) -> ParsedMessage:
        return parse(raw)

    def send(self, message: OutboundMessage) -> Sent:
        """Raises as `Channel.send`; the envelope's recipients are those of To and Cc, each once."""
        recipients = dict.fromkeys(person.address for person in (*message.to, *message.cc))
        return self.connection.send(message.envelope_from, tuple(recipients), compose(message))
