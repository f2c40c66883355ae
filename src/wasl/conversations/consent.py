"""STOP, START and HELP: what customers say of being written to, and the answer that each of them gets.

A channel's `parse` names the word in a message's content ("word": stop, start or help; "language"; "answered" when the
provider has answered it already). STOP and START are facts of an address and go on the timeline; the answer to STOP is
the last message that goes out. Whoever a provider said that of, and writes to us all the same, wants an answer; not by
short message, where networks hold back what we send until they hear START.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import override

from wasl.channels.port import OutboundChat
from wasl.channels.registry import channels
from wasl.conversations.threading import Arrived, Thread, is_chat
from wasl.delivery import actions as delivery
from wasl.delivery import suppression
from wasl.delivery.payload import pack_chat
from wasl.delivery.suppression import DESPITE, Point, Why
from wasl.kit.clock import now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.timeline.actions import Touch

AN_HOUR = 3
"""Automatic answers in an hour to one conversation: two programs must not talk to each other for ever."""
_DIRECTION_MARKS = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def hear(conn: Connection, workspace_id: UUID, placed: Sequence[tuple[Arrived, Thread]]) -> list[Touch]:
    """Take note of what a batch of messages, in its order, says of being written to; what the timeline says of it.

    Inside the workspace's transaction, after the messages were written.
    """
    theirs = [(one, thread) for one, thread in placed if is_chat(one.item) and not one.message.written_by_us]
    plain = {_point(one) for one, _ in theirs if not _medium(one)}
    back = suppression.wrote(conn, workspace_id, list(plain))
    touches = []
    for one, thread in theirs:
        if _point(one) in back:
            back.discard(_point(one))
            touches.append(_touch(one, thread, "consent.given", "wrote"))
        if word := one.message.content.get("word"):
            touches += _obey(conn, workspace_id, one, thread, str(word))
    return touches


def _obey(conn: Connection, workspace_id: UUID, one: Arrived, thread: Thread, word: str) -> list[Touch]:
    touches = []
    points, at = _points(one), one.item.received_at
    if word == "stop":
        news = [suppression.stop(conn, workspace_id, point, Why.WORD, at) for point in points]
        if any(news):
            touches.append(_touch(one, thread, "consent.withdrawn", "word"))
    elif word == "start":
        for point in points:
            suppression.start(conn, workspace_id, point)
        touches.append(_touch(one, thread, "consent.given", "word"))
    _answer(conn, workspace_id, one, thread, word)
    return touches


def _point(one: Arrived) -> Point:
    return one.item.channel, one.message.sender.identity_key


def _points(one: Arrived) -> list[Point]:
    """The address on its channel, and on every other that comes to the same telephone."""
    medium = _medium(one)
    alike = [name for name, each in channels().items() if medium and each.medium == medium]
    return [(name, one.message.sender.identity_key) for name in alike] or [_point(one)]


def _medium(one: Arrived) -> str:
    own = channels().get(one.item.channel)
    return own.medium if own else ""


def _touch(one: Arrived, thread: Thread, kind: str, why: str) -> Touch:
    return Touch(
        one.sender.customer_id, kind, one.item.received_at, one.item.channel, thread.id, one.item.id,
        {"by": "customer", "why": why}, {"address": one.message.sender.address},
    )  # fmt: skip


_PLACE: LiteralString = """
SELECT i.config, i.is_active, i.language, w.name, coalesce(nullif(c.language, ''), i.language),
  (SELECT count(*) FROM conversations_message m
   WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.way = 'out' AND m.auto <> ''
     AND m.at > %(since)s - interval '1 hour')
FROM conversations_conversation c
JOIN channels_inbox i ON i.workspace_id = c.workspace_id AND i.id = %(inbox)s
JOIN accounts_workspace w ON w.id = c.workspace_id
WHERE c.workspace_id = %(workspace)s AND c.id = %(conversation)s
"""
_MESSAGE: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, delivery_id, at, subject, text, html,
   has_remote, language, rfc_id, auto, meta)
VALUES (%(workspace)s, %(id)s, %(conversation)s, %(customer)s, 'out', %(channel)s, %(identity)s, %(delivery)s, %(at)s,
        '', %(text)s, '', false, %(language)s, '', 'auto-replied', '{}')
"""
_COUNT: LiteralString = """
UPDATE conversations_conversation SET messages = messages + 1 WHERE workspace_id = %s AND id = %s
"""


def _answer(conn: Connection, workspace_id: UUID, one: Arrived, thread: Thread, word: str) -> None:
    """Answer the word, unless the provider does, or so much was answered that a program must be at the other end."""
    channel = channels().get(one.item.channel)
    if channel is None or channel.line is None or one.message.content.get("answered"):
        return
    at = now()
    values = {"workspace": workspace_id, "inbox": one.item.inbox_id, "conversation": thread.id, "since": at}
    row = conn.execute(_PLACE, values).fetchone()
    if row is None or not row[1] or row[5] >= AN_HOUR:
        return
    config, _active, inbox_language, business, language, _count = row
    default = next((each.default for each in channel.fields if each.name == "confirms"), "")
    if word != "help" and (config.get("confirms") or default) != "wasl":
        return
    language = one.message.content.get("language") or language or inbox_language
    text = answer_to(word, config, business, str(language))
    message_id, delivery_id = uuid7(), uuid7()
    values |= {
        "id": message_id, "customer": one.sender.customer_id, "channel": one.item.channel, "at": at,
        "identity": one.sender.identity_id, "delivery": delivery_id, "text": text, "language": language,
    }  # fmt: skip
    conn.execute(_MESSAGE, values)
    conn.execute(_COUNT, [workspace_id, thread.id])
    chat = OutboundChat(
        delivery=str(delivery_id), to=one.message.sender.address, text=text, language=str(language)
    )
    sending = delivery.Sending(
        one.item.inbox_id, one.sender.customer_id, thread.id, message_id, one.item.channel,
        one.message.sender.address, pack_chat(chat) | {DESPITE: True}, delivery_id,
    )  # fmt: skip
    delivery.send(conn, workspace_id, [sending])


def answer_to(word: str, config: Mapping[str, Any], business: str, language: str) -> str:
    """What somebody who sent such a word is told, in their language; of HELP, the inbox's own text if it has one."""
    own = config.get("help_text")
    if word == "help" and isinstance(own, str) and own.strip():
        return own.strip()
    with override(language):
        said = {
            "stop": _(
                "You will get no more messages from %(business)s here. To get them again, answer START."
            ),
            "start": _("You get messages from %(business)s here again. To get no more, answer STOP."),
            "help": _(
                "This is %(business)s. Write to us here and we will answer. To get no messages, answer STOP."
            ),
        }
        return (said[word] % {"business": business}).translate(_DIRECTION_MARKS)
