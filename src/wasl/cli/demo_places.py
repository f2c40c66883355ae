"""The demo shop beyond mail and chats: a branch with a counter, a telephone, letters, and a chat on its website.

Everything goes the way that it goes in life: visitors take a number, a provider tells of calls, a letter is printed by
the sandbox's print shop. Only the clock is moved.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from wasl.accounts.actor import Actor
from wasl.calls import actions as calling
from wasl.calls import answering, telephones, work
from wasl.calls.actions import Wanted as WantedCallback
from wasl.calls.models import Call, Outcome
from wasl.channels import chat_inboxes
from wasl.channels.chat_inboxes import ChatInbox, settings_of, webhook
from wasl.channels.models import Inbox
from wasl.channels.post.fonts import NoFont
from wasl.channels.post.send import written
from wasl.channels.voice.hook import Told
from wasl.conversations import actions as conversations
from wasl.conversations import understand
from wasl.conversations.models import Conversation
from wasl.conversations.reply import reply
from wasl.conversations.ways import Via
from wasl.customers.models import Identity
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, tenant
from wasl.kit.ids import uuid7
from wasl.sandbox import phone
from wasl.sandbox.chats import Item, Thread
from wasl.sandbox.standins._calls import Course, silence
from wasl.sandbox.world import World
from wasl.visits import actions as visiting
from wasl.visits import branches, postal
from wasl.visits.actions import Arrival
from wasl.visits.models import Purpose

_DATA = files("wasl.cli") / "demo_data"


def load() -> dict[str, Any]:
    """What is told of branch, telephone and letters."""
    found: dict[str, Any] = json.loads((_DATA / "places.json").read_text(encoding="utf-8"))
    return found


@dataclass
class Places:
    """What is furnished: by whom, for whom. `people` by their keys, with `email` and maybe `phone`."""

    workspace_id: UUID
    zone: ZoneInfo
    agents: Mapping[str, Actor]
    people: Mapping[str, Mapping[str, Any]]
    inboxes: Mapping[str, Inbox]
    talks: Mapping[str, UUID]
    world: World

    def _at(self, days_ago: int, clock: str) -> datetime:
        """That time of an earlier day on which the shop was open."""
        day = now().astimezone(self.zone).date()
        for _ in range(days_ago):
            day -= timedelta(days=1)
            while day.weekday() > 4:
                day -= timedelta(days=1)
        hour, minute = map(int, clock.split(":"))
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)

    def _customer(self, key: str) -> UUID:
        found = Identity.objects.get(channel="email", address=str(self.people[key]["email"]).lower())
        return found.customer_id

    # The website ---------------------------------------------------------------------------------------------

    def chat(self) -> None:
        """A chat for the shop's page on the customers' side."""
        parts = urlsplit(settings.ENV.public_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        others = " ".join(f"http://{host}:{parts.port}" for host in ("localhost", "127.0.0.1") if parts.port)
        values = {
            "address": origin, "origins": others, "title": "Dar Zaytun", "colour": "#3f6212",
            "greeting_ar": "أهلًا بك في دار الزيتون. كيف نساعدك؟",
            "greeting_fr": "Bienvenue chez Dar Zaytun. Que pouvons-nous faire pour vous\u202f?",
            "greeting_it": "Benvenuti da Dar Zaytun. Come possiamo aiutarvi?",
            "greeting_en": "Welcome to Dar Zaytun. How can we help?",
        }  # fmt: skip
        with tenant(self.workspace_id):
            kind = chat_inboxes.kind("webchat")
            wanted = ChatInbox(name="Website chat", language="en", values=values)
            chat_inboxes.open_inbox(self.agents["karim"], kind, wanted)

    # The branch ----------------------------------------------------------------------------------------------

    def branch(self, told: Mapping[str, Any]) -> None:
        """A branch, its last days, and who waits there now."""
        about = told["branch"]
        with tenant(self.workspace_id):
            wanted = branches.Wanted(
                name=about["name"], address=about["address"], country=about["country"], language=about["language"],
                purposes=list(Purpose.values), teams=[],
            )  # fmt: skip
            place = branches.open_branch(self.agents["karim"], wanted)
            branches.make_kiosk(self.agents["karim"], place.id)
        came = [(self._at(each["days_ago"], each["at"]), each) for each in told["visits"]]
        came += [(now() - timedelta(minutes=each["minutes_ago"]), each) for each in told["waiting"]]
        done = [(at, each, self._arrive(place.id, at, each)) for at, each in came]
        self._understand()
        for at, each, visit in done:
            self._serve(at, each, visit, about["counter"], place.id)

    def _arrive(self, branch_id: UUID, at: datetime, each: Mapping[str, Any]) -> UUID:
        with travel(at), tenant(self.workspace_id):
            customer = self._customer(each["customer"]) if "customer" in each else None
            arrival = Arrival(
                key=uuid7(), purpose=each["purpose"], name=each.get("name", ""), language=each.get("language", ""),
                customer_id=customer,
            )  # fmt: skip
            return visiting.check_in(self.workspace_id, branch_id, arrival).id

    def _serve(self, at: datetime, each: Mapping[str, Any], visit: UUID, counter: str, branch: UUID) -> None:
        if "waits" not in each:
            return
        actor = self.agents[each.get("agent", "ines")]
        actor = replace(actor, inboxes=actor.inboxes | {branch})
        called = at + timedelta(minutes=each["waits"])
        with travel(called), tenant(self.workspace_id):
            if "agent" not in each:
                visiting.left(actor, visit)
                return
            visiting.call_this(actor, visit, counter)
        with travel(called + timedelta(minutes=each["takes"])), tenant(self.workspace_id):
            visiting.serve(actor, visit, each["outcome"], each["note"])

    def _understand(self) -> None:
        with pool("queue", "demo").connection() as conn:
            while understand.step(conn):
                pass

    # The telephone -------------------------------------------------------------------------------------------

    def telephone(self, told: Mapping[str, Any]) -> None:
        """Who is on duty, the calls of the last days, and call-backs promised and done."""
        with tenant(self.workspace_id):
            for key, number in told["telephones"].items():
                telephones.keep(self.agents[key], number, on_duty=True)
        for number, each in enumerate(told["calls"], 1):
            self._call(self._at(each["days_ago"], each["at"]), f"CA{number:032x}", each)
        self._understand()
        with tenant(self.workspace_id):
            for call in Call.objects.filter(way="in"):
                # They were written to back then; the worker need not do so now.
                call.told, call.due_at = [*call.told, "offered"], None
                call.save(update_fields=["told", "due_at"])
        for each in told["callbacks"]:
            if each["chat"] in self.talks:
                self._call_back(each)

    def _call(self, at: datetime, sid: str, each: Mapping[str, Any]) -> None:
        """A call, as its provider told of it."""
        inbox, person = self.inboxes["voice"], self.people[each["customer"]]
        number = f"+{person['phone']}"
        known = replace(settings_of(inbox), webhook=webhook(inbox))
        about = {"CallSid": sid, "From": number, "To": inbox.address, "Direction": "inbound"}
        course = Course(phase="ended", end="completed" if "taken" in each else "no-answer")
        steps: list[tuple[str, dict[str, str]]] = [("incoming", {"CallStatus": "ringing"})]
        if agent := each.get("taken"):
            course.seconds = each["seconds"]
            steps += [
                ("accepted", {"Digits": "1", "agent": str(self.agents[agent].agent_id)}),
                ("dialled", {"DialCallStatus": "completed", "DialCallDuration": str(course.seconds)}),
            ]
        else:
            steps.append(("dialled", {"DialCallStatus": "no-answer"}))
        if seconds := each.get("message"):
            course.message = silence(self.world, seconds)
            base = f"{phone.base('voice')}/2010-04-01/Accounts/{known.text('account_sid')}"
            kept = {
                "RecordingUrl": f"{base}/Recordings/RE{int(course.message):032x}", "RecordingDuration": str(seconds),
            }  # fmt: skip
            steps.append(("recording", {**kept, "RecordingStatus": "completed", "machine": "1"}))
        lasted = timedelta(seconds=each.get("seconds", 0) + each.get("message", 0) + 24)
        stamp = format_datetime(at + lasted)
        ended = {"CallStatus": "completed", "CallDuration": str(lasted.seconds), "Timestamp": stamp}
        for place, (step, more) in enumerate([*steps, ("status", ended)]):
            with travel(at + timedelta(seconds=4 * place) if step != "status" else at + lasted):
                said = Told(step, sid, {**about, **more}, f"{sid} {step}".ljust(32)[-32:].encode())
                answering.answer(self.workspace_id, inbox.id, known, said)
        with travel(at + lasted + timedelta(seconds=100)):
            work.step()
            work.step()
        thread = Thread("voice", inbox.address, number)
        self.world.chats.add(
            thread, Item(sid, at.timestamp(), True, kind="call", data=json.dumps(asdict(course)))
        )
        self.world.chats.change(thread, sid, state="read")

    def _call_back(self, each: Mapping[str, Any]) -> None:
        """One that was promised, and maybe made."""
        actor, talk = self.agents[each["agent"]], self.talks[each["chat"]]
        with tenant(self.workspace_id):
            said_at = Conversation.objects.values_list("last_at", flat=True).get(id=talk)
        asked_at = now() if each.get("now") else said_at + timedelta(minutes=9)
        with travel(asked_at), tenant(self.workspace_id):
            conversation = conversations.lock(actor, talk)
            number = calling.number_of(conversation)
            slot = calling.offered(actor, conversation, number, 1)[0]
            row = calling.request(actor, talk, WantedCallback(slot.start, number, each["about"]))
        if outcome := each.get("outcome"):
            made_at = min(slot.start + timedelta(minutes=6), now() - timedelta(minutes=20))
            with travel(made_at), tenant(self.workspace_id):
                calling.record(actor, row.id, Outcome(outcome), notes=each["note"], minutes=each["minutes"])

    # Letters -------------------------------------------------------------------------------------------------

    def letter(self, told: Mapping[str, Any]) -> None:
        """A letter to somebody, on its way; none where there are no fonts to print it with."""
        actor, inbox = self.agents[told["agent"]], self.inboxes["post"]
        with tenant(self.workspace_id):
            customer = self._customer(told["customer"])
            identity = postal.keep(actor, customer, told["address"], told["country"])
            try:
                written(settings_of(inbox), identity.address, told["text"], "fr")
            except NoFont:
                return
            talks = Conversation.objects.filter(customer_id=customer, inbox_id__in=actor.inboxes)
            if talk := talks.exclude(inbox__channel="visit").order_by("-last_at").first():
                reply(actor, talk.id, told["text"], via=Via(inbox.id, identity.id))
