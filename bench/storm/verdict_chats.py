"""The same of the chat channels: what their customers wrote, what they were answered, and what providers took."""

import http.client
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bench.storm.crowd import TURNS
from bench.storm.fair import Fair
from bench.storm.findings import Read, Verdict, acknowledged
from bench.storm.shopfront import visitor_headers
from wasl.channels.sms import alphabet
from wasl.sandbox.chats import Chats

_ANSWER = re.compile(r"answer \d+-\d+")
_OURS = "m.channel NOT IN ('email', 'api')"


def judge_chats(found: Verdict, read: Read, fair: Fair) -> None:
    """Compare."""
    _inbound(found, read, fair)
    _outbound(found, read, _copies(fair), fair.refused)


def _inbound(found: Verdict, read: Read, fair: Fair) -> None:
    taken = acknowledged(fair.crowd.ledger.parent, fair.crowd.ledger.name)
    keys = taken.keys() | set(fair.called)
    found.expect(len(taken) == fair.crowd.count, f"{fair.crowd.count - len(taken)} webhooks were never taken")
    rows = read(
        "SELECT m.id::text, split_part(m.text, ' ', 1), m.channel FROM conversations_message m"
        f" WHERE m.way = 'in' AND {_OURS}"
    )
    there = Counter(key for _, key, _ in rows if not key.startswith("probe"))
    found.none("acknowledged by chat and not on a timeline", keys - there.keys())
    found.none("a chat message twice", [key for key, n in there.items() if n > 1])
    found.none("a chat message that nobody wrote", there.keys() - keys)
    touched = Counter(
        row[0]
        for row in read("SELECT about_id::text FROM timeline_touchpoint WHERE kind = 'message.received'")
    )
    found.none("a chat message without its one touchpoint", [id_ for id_, _, _ in rows if touched[id_] != 1])
    found.none(
        "a chat in quarantine",
        read(
            "SELECT i.channel, q.reason, q.detail FROM intake_quarantine q JOIN intake_inbound i ON i.id = q.id"
            " WHERE i.channel NOT IN ('email', 'api')"
        ),
    )
    found.none("a chat torn in two", read(
        f"SELECT m.identity_id FROM conversations_message m WHERE m.way = 'in' AND {_OURS}"
        " GROUP BY 1 HAVING count(DISTINCT m.conversation_id) > 1"))  # fmt: skip
    by_channel = Counter(channel for _, key, channel in rows if not key.startswith("probe"))
    found.figures |= {
        "acknowledged by chat": len(keys),
        "webhooks brought more than once": sum(e["tries"] > 1 for e in taken.values()),
        **{f"on the timeline by {name}": count for name, count in sorted(by_channel.items())},
    }


def _copies(fair: Fair) -> Counter[str]:
    """How many copies of each answer the providers took."""
    chats = Chats(fair.crowd.phones)
    texts = [item.text for thread in chats.threads() for item in chats.items(thread) if not item.theirs]
    texts += [alphabet.decode(taken.short.content) for taken in fair.centre.submitted]
    for talk in fair.crowd.talks:
        if talk.front.name == "webchat":
            for person in range((talk.count + TURNS - 1) // TURNS):
                texts += _feed(talk.front.end.webhook, person)
    return Counter(filter(None, map(_answer, texts))) + Counter(fair.elsewhere.copies)


def _answer(text: str) -> str:
    named = _ANSWER.search(text)
    return named[0] if named else ""


def _feed(home: str, person: int) -> list[str]:
    """What a visitor's browser shows of the business's words."""
    parts = urlsplit(home)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", parts.path, headers=visitor_headers(person))
        said: Mapping[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return [str(each.get("text", "")) for each in said["messages"] if each["way"] == "out"]


def _outbound(found: Verdict, read: Read, copies: Mapping[str, int], refused: int) -> None:
    rows = read(
        "SELECT CASE WHEN m.auto = '' THEN m.text ELSE m.auto || ' ' || m.id END, i.channel, d.state,"
        " d.reason, d.ended_at IS NOT NULL, (SELECT count(*) FROM delivery_attempt a"
        " WHERE a.delivery_id = d.id AND a.outcome = 'in_doubt') FROM delivery_delivery d"
        " JOIN conversations_message m ON m.id = d.message_id JOIN channels_inbox i ON i.id = d.inbox_id"
        " WHERE i.channel <> 'email'"
    )
    answers = {row[0] for row in rows if _answer(row[0])}  # the rest is what Wasl says by itself
    reached = {row[0] for row in rows if row[2] in ("sent", "delivered", "read")} & answers
    doubted = {row[0] for row in rows if row[5]}
    failed = [row for row in rows if row[2] == "failed"]
    found.none("a chat delivery without an end", [row[0] for row in rows if not row[4]])
    found.none("sent by chat, and the provider has nothing", reached - copies.keys())
    found.none(
        "doubled by chat without having been in doubt", {t for t, n in copies.items() if n > 1} - doubted
    )
    found.none("three copies by chat", [text for text, count in copies.items() if count > 2])
    found.none("with a chat provider, and not ours", copies.keys() - {row[0] for row in rows})
    found.none("failed by chat, and no reason is shown", [row[0] for row in failed if not row[3]])
    plainly = [row for row in failed if row[3] != "unsure"]
    found.expect(
        len(plainly) <= refused,
        f"{len(plainly)} failed by chat, and only {refused} were refused: {_few(plainly)}",
    )
    states = Counter(row[2] for row in rows)
    found.figures |= {
        **{f"chat deliveries {state}": count for state, count in sorted(states.items())},
        "chat deliveries once in doubt": len(doubted),
        "doubled by chat": sum(count > 1 for count in copies.values()),
        "copies with chat providers": sum(copies.values()),
    }


def _few(rows: Iterable[tuple[Any, ...]]) -> str:
    return ", ".join(f"{row[1]} {row[3]}" for row in list(rows)[:5])
