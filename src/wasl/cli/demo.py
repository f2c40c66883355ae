"""The demo shop: its people, and weeks of conversations that really went through both roads.

Customers' mails are stored as a door stores them and understood by the worker's own step; answers are written by the
same action as in the browser and travel over SMTP to the sandbox. Only the clock is moved.
"""

import asyncio
import heapq
import io
import json
import mimetypes
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from importlib.resources import files
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings

from wasl.accounts.actor import Actor
from wasl.accounts.models import Agent, Team, TeamMember, User, Workspace
from wasl.channels.models import Inbox
from wasl.channels.queries import visible_inboxes
from wasl.cli import demo_app, demo_chats, demo_desk, demo_earlier, demo_places
from wasl.config.followers import FOLLOWERS
from wasl.conversations import actions, understand
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import Upload, reply
from wasl.customers.models import Customer, Identity
from wasl.delivery.work import Sender
from wasl.intake.store import Raw, mail_dedupe_key, store
from wasl.kit.clock import now, travel
from wasl.kit.db import conninfo, pool, tenant
from wasl.kit.ids import uuid7
from wasl.kit.languages import CODES
from wasl.sandbox.place import Place
from wasl.sandbox.provider import Ports, Provider
from wasl.timeline.follow import run_once

PASSWORD = "olives-and-lamps"  # noqa: S105 - the demo's, printed on its start
_DATA = files("wasl.cli") / "demo_data"
_CLIENT = "mail.example"


def load() -> str:
    """Fill an empty database; what to tell the visitor."""
    people = json.loads((_DATA / "people.json").read_text(encoding="utf-8"))
    world = _World.create(people)
    demo_earlier.load(
        world.workspace_id,
        world.inboxes,
        world.agents,
        {person["name"]: person for person in people["customers"]},
        {agent["key"]: agent["email"] for agent in people["agents"]},
    )
    stories = [
        story
        for language in CODES
        for story in json.loads((_DATA / f"conversations.{language}.json").read_text(encoding="utf-8"))
    ]
    with _sandbox() as provider:
        world.place = provider.place
        told = demo_chats.texts()
        world.tell(stories + world.chatting(provider, told))
        world.furnish(people["workspace"]["timezone"])
        world.chats.take()
    _follow_to_the_end()
    names = {"owner": "leila", "agent": "yusuf"}
    lines = [f"  {role:<6} {key}@{people['workspace']['domain']}" for role, key in names.items()]
    return "\n".join(["Sign in as", *lines, f"  password {PASSWORD}"])


@dataclass(order=True)
class _Event:
    """Something that is to happen: a message, or the end of a story."""

    at: datetime
    order: int
    story: dict[str, Any] = field(compare=False)
    number: int = field(compare=False)


@dataclass
class _World:
    """What the stories are told in."""

    workspace_id: UUID
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    agents: dict[str, Actor] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    conversations: dict[str, UUID] = field(default_factory=dict)
    last_mail: dict[str, str] = field(default_factory=dict)
    place: Place | None = None
    chats: demo_chats.Chats = field(init=False)

    @classmethod
    def create(cls, people: dict[str, Any]) -> "_World":
        """The workspace, its inboxes, teams and agents."""
        world = cls(uuid7(), people={p["key"]: p for p in people["customers"]})
        shop = people["workspace"]
        with tenant(world.workspace_id):
            Workspace.objects.create(
                id=world.workspace_id, slug=shop["key"], name=shop["name"], language=shop["language"],
                timezone=shop["timezone"],
            )  # fmt: skip
            for inbox in people["inboxes"]:
                world.inboxes[inbox["key"]] = _inbox(world.workspace_id, inbox, shop["name"])
            teams = {
                t["key"]: Team.objects.create(workspace_id=world.workspace_id, name=t["name"])
                for t in people["teams"]
            }
            for agent in people["agents"]:
                world.agents[agent["key"]] = _agent(world.workspace_id, agent, teams)
            demo_desk.furnish(world.agents["karim"], shop["timezone"], world.inboxes.values())
        return world

    def chatting(self, provider: Provider, told: dict[str, Any]) -> list[dict[str, Any]]:
        """Inboxes of chat channels and who writes there; the stories of those that are there."""
        self.chats = demo_chats.Chats(self.workspace_id, provider.place)
        self.chats.stand(provider.world)
        with tenant(self.workspace_id):
            self.chats.open(self.agents["karim"])
            self.chats.settle(self.agents["karim"], told["customers"])
            self.agents = {key: _seeing(actor) for key, actor in self.agents.items()}
        self.inboxes |= self.chats.inboxes
        self.people |= {person["key"]: person for person in told["customers"]}
        return [{**s, "inbox": s["channel"]} for s in told["conversations"] if s["channel"] in self.inboxes]

    def tell(self, stories: list[dict[str, Any]]) -> None:
        """Everything in the order in which it happened."""
        present = now()
        queue = [
            _Event(present - timedelta(days=s["started_days_ago"]), n, s, 0) for n, s in enumerate(stories)
        ]
        heapq.heapify(queue)
        with _mail_out() as sender:
            while queue:
                event = heapq.heappop(queue)
                with travel(event.at):
                    self._happen(event, sender)
                if event.number + 1 < len(event.story["messages"]):
                    wait = timedelta(minutes=event.story["messages"][event.number + 1]["minutes_after"])
                    heapq.heappush(queue, _Event(event.at + wait, event.order, event.story, event.number + 1))
        self._names()

    def furnish(self, timezone: str) -> None:
        """The branch, the telephone, letters and the chat on the website."""
        told = demo_places.load()
        places = demo_places.Places(
            self.workspace_id, ZoneInfo(timezone), self.agents, self.people, self.inboxes, self.conversations,
            self.chats.world,
        )  # fmt: skip
        places.chat()
        places.branch(told)
        places.telephone(told)
        with _mail_out() as sender:
            places.letter(told["letter"])
            if self.place:
                demo_app.furnish(self.workspace_id, self.agents, self.people, self.conversations, self.place)
            _send_all(sender)

    def _happen(self, event: _Event, sender: Sender) -> None:
        story, message = event.story, event.story["messages"][event.number]
        if message["from"] == "customer":
            self._receive(story, message)
            demo_desk.answer_first_mails()
        else:
            actor = self.agents[message["from"].removeprefix("agent:")]
            self._answer(story, message, actor)
        _send_all(sender)
        if emoji := message.get("react"):
            self.chats.react(story["channel"], self.people[story["customer"]], emoji)
        if event.number == 0:
            self._assign(story)
        if event.number + 1 == len(story["messages"]):
            self._end(story)

    def _receive(self, story: dict[str, Any], message: dict[str, Any]) -> None:
        """A customer's message, through the store and the worker's step."""
        inbox, person = self.inboxes[story["inbox"]], self.people[story["customer"]]
        if "channel" in story:
            self.conversations[story["key"]] = self.chats.receive(inbox.channel, person, message)
            return
        if inbox.channel == "email":
            raw = self._mail(story, message, person, inbox)
            payload = Raw(
                inbox.id, "email", raw, mail_dedupe_key(io.BytesIO(raw), now()),
                {"door": "smtp", "from": person["email"], "to": [inbox.address]}, received_at=now(),
            )  # fmt: skip
            if self.place:
                self.place.deliver(person["email"], raw, "sent")
        else:
            raw = _form(story, message, person)
            payload = Raw(inbox.id, inbox.channel, raw, uuid7().bytes, {"door": "api"}, received_at=now())
        _store(self.workspace_id, payload)
        with pool("queue", "demo").connection() as conn:
            understand.step(conn)
        with tenant(self.workspace_id):
            self.conversations[story["key"]] = Message.objects.get(id=payload.id).conversation_id

    def _mail(
        self, story: dict[str, Any], message: dict[str, Any], person: dict[str, Any], inbox: Inbox
    ) -> bytes:
        mail = EmailMessage()
        mail["From"] = f"{person['name']} <{person['email']}>"
        mail["To"] = inbox.address
        answered = self.last_mail.get(story["key"], "")
        mail["Subject"] = f"Re: {story['subject']}" if answered else story["subject"]
        mail["Date"] = format_datetime(now())
        own = f"{uuid7().hex}@{_CLIENT}"
        mail["Message-ID"] = f"<{own}>"
        self.last_mail[story["key"]] = own
        if answered:
            mail["In-Reply-To"] = mail["References"] = f"<{answered}>"
        mail.set_content(message["text"] + self._quote(story, message))
        for name in message.get("attachments", ()):
            kind, _, subtype = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
            content = (_DATA / "files" / name).read_bytes()
            mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
        return mail.as_bytes()

    def _quote(self, story: dict[str, Any], message: dict[str, Any]) -> str:
        """The answered text below, as mail programs put it."""
        if not message.get("reply_quoted") or story["key"] not in self.conversations:
            return ""
        with tenant(self.workspace_id):
            found = Message.objects.filter(conversation_id=self.conversations[story["key"]], way="out")
            last = found.order_by("-at").first()
        return (
            ""
            if last is None
            else "\n\n" + "\n".join(f"> {line}".rstrip() for line in last.text.splitlines())
        )

    def _answer(self, story: dict[str, Any], message: dict[str, Any], actor: Actor) -> None:
        attached = [
            Upload(name, mimetypes.guess_type(name)[0] or "", content=(_DATA / "files" / name).read_bytes())
            for name in message.get("attachments", ())
        ]
        with tenant(self.workspace_id):
            conversation_id = self.conversations[story["key"]]
            actions.mark_seen(actor, conversation_id)
            written = reply(actor, conversation_id, message["text"], attached)
            self.last_mail[story["key"]] = Message.objects.get(id=written).rfc_id

    def _assign(self, story: dict[str, Any]) -> None:
        if story["assignee"]:
            lead = self.agents["karim"]
            with tenant(self.workspace_id):
                actions.assign(
                    lead, self.conversations[story["key"]], self.agents[story["assignee"]].agent_id
                )

    def _end(self, story: dict[str, Any]) -> None:
        """Resolve what was resolved; whoever has answered last has also read."""
        conversation_id = self.conversations[story["key"]]
        resolved = story["status"] == "resolved"
        with tenant(self.workspace_id):
            actor = self.agents[story["assignee"] or "karim"]
            if resolved:
                actions.resolve(actor, conversation_id)
            if resolved or Conversation.objects.get(id=conversation_id).last_way == "out":
                for agent in self.agents.values():
                    actions.mark_seen(agent, conversation_id)

    def _names(self) -> None:
        """What the shop knows of its customers beside what their mails say."""
        with tenant(self.workspace_id):
            for person in self.people.values():
                identity = Identity.objects.filter(address=person["email"].lower()).first()
                if identity:
                    Customer.objects.filter(id=identity.customer_id).update(
                        name=person["name"], language=person["language"], timezone=person["timezone"],
                        place=person["city"],
                    )  # fmt: skip


def _inbox(workspace_id: UUID, inbox: dict[str, Any], shop: str) -> Inbox:
    smtp = {"host": "127.0.0.1", "port": settings.ENV.sandbox_smtp_port, "tls": "none"}
    lookup = f"http://127.0.0.1:{settings.ENV.sandbox_http_port}/taken"
    email = inbox["kind"] == "email"
    return Inbox.objects.create(
        workspace_id=workspace_id,
        channel=inbox["kind"],
        name=inbox["name"],
        address=inbox["address"],
        config={"smtp": smtp, "lookup": lookup, "from_name": shop} if email else {},
    )


def _agent(workspace_id: UUID, agent: dict[str, Any], teams: dict[str, Team]) -> Actor:
    language = agent.get("interface", agent["languages"][0])
    user = User.objects.create(
        email=agent["email"], name=agent["name"], password=_hashed(), language=language
    )
    row = Agent.objects.create(workspace_id=workspace_id, user=user, name=agent["name"], role=agent["role"])
    for key in agent["teams"]:
        TeamMember.objects.create(workspace_id=workspace_id, team=teams[key], agent=row)
    return Actor(workspace_id, row.role, visible_inboxes(row.id, row.role), agent_id=row.id, name=row.name)


def _seeing(actor: Actor) -> Actor:
    """An agent, when there are more inboxes than before."""
    assert actor.agent_id
    return replace(actor, inboxes=visible_inboxes(actor.agent_id, actor.role))


_hash: list[str] = []


def _hashed() -> str:
    from django.contrib.auth.hashers import make_password

    if not _hash:
        _hash.append(make_password(PASSWORD))
    return _hash[0]


def _form(story: dict[str, Any], message: dict[str, Any], person: dict[str, Any]) -> bytes:
    """A message as the website's form posts it."""
    body = {
        "from": {"address": person["email"], "name": person["name"]},
        "subject": story["subject"],
        "text": message["text"],
        "thread": story["key"],
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _store(workspace_id: UUID, payload: Raw) -> None:
    async def go() -> None:
        info = conninfo("app", "demo")
        async with await psycopg.AsyncConnection.connect(info, autocommit=True) as conn:
            await store(conn, workspace_id, [payload])

    asyncio.run(go())


def _send_all(sender: Sender) -> None:
    """Take turns until nothing is on its way."""
    for _ in range(200):
        wait = sender.step()
        if not sender.busy and wait > 0:
            return
        sender.bell.wait(0.05)
        sender.bell.clear()


@contextmanager
def _mail_out() -> Iterator[Sender]:
    sender = Sender(pool("queue", "demo"), senders=2)
    try:
        yield sender
    finally:
        sender.close()


@contextmanager
def _sandbox() -> Iterator[Provider]:
    """The sandbox's provider, in a thread, for as long as the stories are told."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(10)

    provider = Provider(settings.ENV.data_dir / "sandbox", Ports.of(settings.ENV))
    run(provider.start())
    try:
        yield provider
    finally:
        run(provider.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def _follow_to_the_end() -> None:
    for follower in FOLLOWERS:
        with pool("queue", "demo").connection() as conn:
            while run_once(conn, follower):
                pass
