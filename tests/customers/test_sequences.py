"""A thousand random sequences of linking, merging, splitting and undoing, against a model of the rule.

Undoing at once restores every row. Otherwise what came later is with the customer whose identity it came through, what
could be either's stays where it is and is listed, and at the end, when everything was undone, everybody is alone again
with all that was ever theirs.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from tests.customers.world import AT, World
from wasl.accounts.actor import Actor
from wasl.conversations import regroup
from wasl.conversations.models import Conversation, Message
from wasl.customers.actions import UnmergeReport, merge, unmerge
from wasl.kit.db import raw, tenant
from wasl.timeline.actions import Touch, append

SEQUENCES = 1000
PARTS = 8
PEOPLE = 4
STATE = (
    "SELECT id, merged_into_id, root_id, name FROM customers_customer WHERE id = ANY(%s) ORDER BY id",
    "SELECT id, customer_id, channel, address, known FROM customers_identity WHERE customer_id = ANY(%s) ORDER BY id",
    "SELECT id, customer_id, status, merged_into_id, subject FROM conversations_conversation"
    " WHERE customer_id = ANY(%s) ORDER BY id",
    "SELECT id, customer_id, conversation_id, text FROM conversations_message WHERE customer_id = ANY(%s) ORDER BY id",
)


@dataclass
class Said:
    """A message: whose identity it came through, where it lay first, and after how many steps."""

    id: UUID
    who: UUID
    talk: UUID
    step: int
    place: UUID


@dataclass
class Story:
    """One sequence, with what the model knows.

    A link is an edge (merged, kept) with the step at which it was made; `poured` says where a conversation went;
    `stirs` are what the timeline says of that (conversation, customer, step), `events` all it says besides messages.
    """

    world: World
    actor: Actor
    chance: random.Random
    people: list[UUID]
    step: int = 0
    links: dict[UUID, tuple[UUID, UUID, int]] = field(default_factory=dict)
    poured: dict[UUID, UUID] = field(default_factory=dict)
    stirs: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    events: list[tuple[UUID, int]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    talks: dict[UUID, UUID] = field(default_factory=dict)

    def state(self) -> list[list[tuple[Any, ...]]]:
        """Every row there is of these people."""
        return [raw().execute(query, [self.people]).fetchall() for query in STATE]

    def root(self, who: UUID) -> UUID:
        """By the model: up the links."""
        above = {merged: kept for merged, kept, _ in self.links.values()}
        while who in above:
            who = above[who]
        return who

    def below(self, who: UUID) -> set[UUID]:
        """By the model: a customer and everybody linked under them."""
        found = {who}
        while more := {merged for merged, kept, _ in self.links.values() if kept in found} - found:
            found |= more
        return found

    def speak(self) -> None:
        """Somebody writes, in a conversation of their family or in one of their own."""
        who = self.chance.choice(self.people)
        mine = [
            t
            for t, owner in self.talks.items()
            if self.root(owner) == self.root(who) and t not in self.away()
        ]
        talk = self.chance.choice(mine) if mine and self.chance.random() < 0.7 else self.open(who)
        message = Message.objects.create(
            workspace_id=self.world.id, conversation_id=talk, customer_id=who, way="in", channel="email", at=AT,
            text=f"{self.step}",
        )  # fmt: skip
        self.said.append(Said(message.id, who, talk, self.step, talk))
        append(raw(), self.world.id, [Touch(who, "message.received", AT, "email", talk, message.id)])

    def away(self) -> set[UUID]:
        """Conversations that were merged into another."""
        return set(self.poured)

    def open(self, who: UUID) -> UUID:
        """A conversation of somebody's own."""
        made = Conversation.objects.create(
            workspace_id=self.world.id, customer_id=who, inbox_id=self.world.open, created_at=AT, last_at=AT
        )
        self.talks[made.id] = who
        return made.id

    def link(self) -> None:
        """Two become one; sometimes it is taken back at once, and everything is as it was."""
        kept, merged = self.chance.sample(self.people, 2)
        root, moving = self.root(kept), self.root(merged)
        if root == moving:
            return
        at_once = self.chance.random() < 0.3
        before = self.state() if at_once else []
        merge_id = merge(self.actor, kept, merged)
        if at_once:
            report = unmerge(self.actor, merge_id)
            assert self.state() == before
            assert (report.followed, report.shared) == (0, ())
        else:
            self.links[merge_id] = (moving, kept, self.step)

    def unlink(self) -> None:
        """Some link is taken back; the report says what the model does."""
        if not self.links:
            return
        merge_id = self.chance.choice(list(self.links))
        merged, _kept, since = self.links[merge_id]
        leaving, family = self.below(merged), {p for p in self.people if self.root(p) == self.root(merged)}
        report = unmerge(self.actor, merge_id)
        del self.links[merge_id]
        self.sound()
        self.check(report, leaving, family - leaving, since)

    def check(self, report: UnmergeReport, leaving: set[UUID], staying: set[UUID], since: int) -> None:
        """What follows is what came through their identities since; what is shared is where both wrote."""
        later = [one.who for one in self.said if one.step > since]
        later += [who for who, step in self.events if step > since]
        assert report.followed == sum(who in leaving for who in later)
        expected = {}
        for place in {one.place for one in self.said}:
            here = [one for one in self.said if one.place == place and one.who in leaving | staying]
            new = sorted(one.id for one in here if one.step > since)
            sides = {one.who in leaving for one in here}
            if sides == {True, False} and (new or self.stirred(place, since, leaving | staying)):
                expected[place] = new
        assert {one.conversation_id: sorted(one.received) for one in report.shared} == expected

    def stirred(self, place: UUID, since: int, people: set[UUID]) -> bool:
        """Whether a conversation was poured into this one meanwhile."""
        return any(
            self.poured.get(talk, talk) == place and step > since and who in people
            for talk, who, step in self.stirs
        )

    def pour(self) -> None:
        """Two conversations of a family become one; sometimes taken back at once."""
        there = [talk for talk in self.talks if talk not in self.away()]
        pairs = [
            (a, b)
            for a in there
            for b in there
            if a != b and self.root(self.talks[a]) == self.root(self.talks[b])
        ]
        if not pairs:
            return
        target, source = self.chance.choice(pairs)
        at_once = self.chance.random() < 0.3
        before = self.state() if at_once else []
        (made,) = regroup.merge(self.actor, target, [source])
        told = dict.fromkeys([(target, self.talks[target]), (source, self.talks[source])])
        if self.talks[target] == self.talks[source]:
            told.pop((source, self.talks[source]))
        self.stirs += [(talk, who, self.step) for talk, who in told]
        self.events += [(who, self.step) for _, who in told]
        if at_once:
            regroup.unmerge(self.actor, made)
            self.events.append((self.talks[source], self.step))
            assert self.state() == before
            return
        for talk in [source, *(talk for talk, at in self.poured.items() if at == source)]:
            self.poured[talk] = target
        for one in self.said:
            one.place = target if one.place == source else one.place

    def split(self) -> None:
        """The last message of a conversation becomes one of its own."""
        for place in self.chance.sample(sorted(self.talks), len(self.talks)):
            here = [one for one in self.said if one.place == place]
            if len(here) > 1 and place not in self.away():
                last = max(here, key=lambda one: one.id)
                fresh = regroup.split(self.actor, last.id)
                self.events.append((self.talks[place], self.step))
                self.talks[fresh] = last.who
                last.place = fresh
                return

    def go(self) -> None:
        """A few steps, then everything is undone."""
        steps = (self.speak, self.speak, self.link, self.link, self.unlink, self.pour, self.split)
        for step in range(1, self.chance.randint(5, 9)):
            self.step = step
            self.chance.choice(steps)()
        self.sound()
        for merge_id in self.chance.sample(sorted(self.links), len(self.links)):
            unmerge(self.actor, merge_id)
        rows = raw().execute(STATE[0], [self.people]).fetchall()
        assert [(row[1], row[2]) for row in rows] == [(None, row[0]) for row in rows]
        self.links.clear()
        self.sound()

    def sound(self) -> None:
        """The database says what the model says: roots, whose each message is, and where it lies."""
        people = raw().execute(STATE[0], [self.people]).fetchall()
        assert {row[0]: row[2] for row in people} == {who: self.root(who) for who in self.people}
        messages = raw().execute(STATE[3], [self.people]).fetchall()
        assert {row[0]: (row[1], row[2]) for row in messages} == {
            one.id: (one.who, one.place) for one in self.said
        }


@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_sequences_keep_the_rule(world: World, part: int) -> None:
    actor = replace(world.actor(), agent_id=None)
    for seed in range(part, SEQUENCES, PARTS):
        people = [each.customer_id for each in world.meet(*(f"S{seed}P{n}" for n in range(PEOPLE)))]
        with tenant(world.id):
            try:
                Story(world, actor, random.Random(seed), people).go()
            except AssertionError as error:
                raise AssertionError(f"sequence {seed}") from error
