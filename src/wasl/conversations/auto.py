"""Whether a program may answer a customer's message, for whatever writes answers by itself; and mails of our own.

Ask `may_answer_automatically` right before you write the answer, in the same transaction; write it as a Message with
`auto='auto-replied'` (that is what is counted); a mail's OutboundMessage with `auto=True` (that is what tells others).
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from django.conf import settings

from wasl.channels.base import ParsedMessage
from wasl.channels.email import authentic, auto
from wasl.channels.email.auto import Quiet
from wasl.channels.registry import greeting
from wasl.conversations.threading import Arrived
from wasl.intake.claim import Waiting
from wasl.kit import signing
from wasl.kit.db import Connection

AN_HOUR = 3
"""Automatic answers that one address gets in an hour; a program that does not say it is one stops being answered."""

A_DAY = 12

_ASK: LiteralString = """
SELECT m.id, m.way, m.channel, m.auto, m.meta->>'quiet', i.address,
  m.meta->'content' ? 'word' OR (m.meta->'content'->'public' = 'true') IS TRUE,
  EXISTS (SELECT FROM channels_inbox x WHERE x.workspace_id = m.workspace_id AND x.channel = 'email'
          AND x.address = regexp_replace(i.address, '[+][^@]*@', '@')),
  s.hour, s.day
FROM conversations_message m
LEFT JOIN customers_identity i ON i.workspace_id = m.workspace_id AND i.id = m.identity_id
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE o.at > now() - interval '1 hour') AS hour, count(*) AS day
  FROM conversations_conversation c
  CROSS JOIN LATERAL (
    SELECT o.at FROM conversations_message o
    WHERE o.workspace_id = c.workspace_id AND o.conversation_id = c.id AND o.at > now() - interval '1 day'
      AND o.way = 'out' AND o.auto <> '' LIMIT 100) o
  WHERE c.workspace_id = m.workspace_id AND c.customer_id = m.customer_id
    AND c.last_at > now() - interval '1 day') s
WHERE m.workspace_id = %b AND m.id = ANY(%b::uuid[])
"""


def may_answer_automatically(conn: Connection, workspace_id: UUID, message_id: UUID) -> Quiet | None:
    """Why no program may answer this message of a customer's; None when one may.

    Inside the workspace's transaction. A message is not answered when a program wrote it or it came over a list, when
    its sender wants no answer, when it is from one of our own inboxes or a mail of ours that came round, and when its
    sender got `AN_HOUR` automatic answers within an hour or `A_DAY` within a day already; nor what was said in public,
    nor a word like STOP, which gets its own answer, nor what came on a channel that does not greet.
    """
    return unanswerable(conn, workspace_id, [message_id]).get(message_id)


def unanswerable(conn: Connection, workspace_id: UUID, message_ids: Sequence[UUID]) -> dict[UUID, Quiet]:
    """The same of many: which of them no program may answer, and why. None counts what another is answered with, so
    ask of messages of different customers."""
    found = conn.execute(_ASK, [workspace_id, list(message_ids)]).fetchall()
    said = dict.fromkeys(message_ids, Quiet.NOT_MAIL) | {row[0]: _why_not(*row[1:]) for row in found}
    return {id_: why for id_, why in said.items() if why is not None}


def _why_not(
    way: str, channel: str, written_by: str, said: str | None, address: str | None, is_other: bool, is_inbox: bool,
    hour: int, day: int,
) -> Quiet | None:  # fmt: skip
    if way != "in" or channel not in greeting():
        return Quiet.NOT_MAIL
    if is_other:
        return Quiet.ASKED
    if said:
        return Quiet(said)
    if written_by:
        return Quiet.AUTOMATIC
    if not address:
        return Quiet.NULL_SENDER
    if is_inbox:
        return Quiet.OURSELVES
    return Quiet.TOO_OFTEN if hour >= AN_HOUR or day >= A_DAY else None


def quiet(one: Arrived) -> Quiet | None:
    """What is known when a message comes in and must be remembered for the question above."""
    if one.message.is_old:
        return Quiet.IMPORTED
    if one.message.quiet:
        return Quiet(one.message.quiet)
    if one.message.auth_results and authentic.is_forged(one.message, settings.ENV.mail_authserv):
        return Quiet.FORGED
    envelope = one.item.envelope
    if envelope.get("door") in ("smtp", "lmtp") and envelope.get("from") == "":
        return Quiet.NULL_SENDER
    return None


def mark(workspace_id: UUID, rfc_id: str) -> tuple[tuple[str, str], ...]:
    """The header with which a mail of ours is known again when it comes round; for OutboundMessage.headers."""
    return (auto.mark(rfc_id, _key(workspace_id)),)


def is_own(item: Waiting, message: ParsedMessage) -> bool:
    """Whether this is a mail of ours that came round."""
    return bool(message.mark) and auto.is_own(message.mark, message.message_id, _key(item.workspace_id))


def _key(workspace_id: UUID) -> bytes:
    return signing.key(f"loop {workspace_id}")
