"""`/live` of a real front: what is signalled in the database reaches those who may know, and nobody else."""

import socket
import time
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.live.browser import Browser, Event, sign_in
from tests.worlds import Shop
from wasl.accounts.models import Agent, Team, TeamMember, User
from wasl.channels.models import Inbox, InboxTeam
from wasl.kit import signal
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.kit.postgres import Cluster
from wasl.kit.signal import Signal

Owner = psycopg.Connection[Any]


@pytest.fixture
def keys(shop: Shop) -> dict[str, str]:
    """A session for each of the shop's agents, by role."""
    return {role: sign_in(user) for role, user in shop.users.items()}


def restrict(shop: Shop, inbox: Inbox, *agents: Agent) -> None:
    """Only these (and who administers) may see the inbox."""
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name=f"team {uuid7()}")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=inbox, team=team)
        for agent in agents:
            TeamMember.objects.create(workspace_id=shop.id, team=team, agent=agent)


def status(port: int, key: str = "", **how: Any) -> int:
    """What a browser that asks for a stream is told."""
    with Browser(port, key, **how) as browser:
        return browser.status


def message(shop: Shop, inbox: Inbox | None = None) -> tuple[Signal, UUID]:
    """A signal of a message, and its conversation."""
    conversation = uuid7()
    return Signal("message", shop.id, inbox.id if inbox else None, (conversation,), (uuid7(),)), conversation


def change(event: Event) -> list[UUID]:
    """The conversations of a change."""
    assert event.name == "change", event
    return [UUID(text) for text in event.data["c"]]


def test_a_change_reaches_an_open_page_with_what_it_is_about(
    port: int, shop: Shop, keys: Any, owner: Owner
) -> None:
    with Browser(port, keys["agent"]) as browser:
        hello = browser.event()
        assert (browser.status, hello.name, hello.data) == (200, "hello", str(shop.agents["agent"].id))
        assert "text/event-stream" in browser.head
        sent, conversation = message(shop, shop.mail)
        signal.send(owner, [sent])
        event = browser.event()
        assert event.data == {
            "k": "message",
            "c": [str(conversation)],
            "u": [str(sent.customers[0])],
            "i": str(shop.mail.id),
        }


def test_another_workspace_hears_nothing(port: int, shop: Shop, keys: Any, owner: Owner) -> None:
    other = Shop.create("other", "support@other.example")
    with (
        Browser(port, keys["owner"]).greeted() as here,
        Browser(port, sign_in(other.users["owner"])) as there,
    ):
        there.greeted()
        sent, conversation = message(other)
        signal.send(owner, [sent])
        assert change(there.event()) == [conversation]
        assert here.silent()


def test_not_one_byte_about_what_an_agent_may_not_see(port: int, shop: Shop, keys: Any, owner: Owner) -> None:
    with tenant(shop.id):
        insider = shop.hire("insider", "insider@dar-zaytun.example", "agent")
    restrict(shop, shop.forms, insider)
    with (
        Browser(port, keys["agent"]).greeted() as outside,
        Browser(port, sign_in(shop.users["insider"])).greeted() as inside,
        Browser(port, keys["admin"]).greeted() as above,
    ):
        before = len(outside.raw)
        secret, conversation = message(shop, shop.forms)
        quarantined = Signal("quarantine", shop.id)
        signal.send(owner, [secret, quarantined])
        assert change(inside.event()) == [conversation]
        assert change(above.event()) == [conversation]
        assert above.event().data == {"k": "quarantine"}
        assert outside.silent()
        assert inside.silent()
        assert len(outside.raw) == before

        with Browser(port, keys["agent"], last=_last(outside, shop, owner)) as again:
            again.greeted()
            assert again.silent()
            assert str(conversation).encode() not in again.raw + outside.raw


def _last(browser: Browser, shop: Shop, owner: Owner) -> str:
    """The id of an event that the browser has seen, from before a further secret."""
    public, _ = message(shop, shop.mail)
    signal.send(owner, [public])
    last = browser.event().id
    signal.send(owner, [message(shop, shop.forms)[0]])
    return last


def test_who_loses_sight_of_an_inbox_hears_nothing_more_at_once(
    port: int, shop: Shop, keys: Any, owner: Owner
) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        signal.send(owner, [message(shop, shop.forms)[0]])
        assert browser.event().name == "change"
        restrict(shop, shop.forms)
        secret, conversation = message(shop, shop.forms)
        with owner.transaction():
            signal.send(owner, [Signal("access", shop.id), secret])
        signal.send(owner, [secret])
        assert browser.event().name == "refetch"
        assert browser.silent()
        assert str(conversation).encode() not in browser.raw


def test_who_gains_sight_of_an_inbox_reads_again_and_hears_from_then_on(
    port: int, shop: Shop, keys: Any, owner: Owner
) -> None:
    restrict(shop, shop.forms)
    with Browser(port, keys["agent"]).greeted() as browser:
        with tenant(shop.id):
            team = Team.objects.get()
            TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["agent"])
        signal.send(owner, [Signal("access", shop.id)])
        assert browser.event().name == "refetch"
        sent, conversation = message(shop, shop.forms)
        signal.send(owner, [sent])
        assert change(browser.event()) == [conversation]


def test_a_change_of_access_that_changes_nothing_for_an_agent_is_not_told(
    port: int, shop: Shop, keys: Any, owner: Owner
) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        signal.send(owner, [Signal("access", shop.id)])
        assert browser.silent()


def test_resuming_replays_what_was_missed(port: int, shop: Shop, keys: Any, owner: Owner) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        signal.send(owner, [message(shop)[0]])
        last = browser.event().id
    missed = [message(shop, shop.mail) for _ in range(3)]
    signal.send(owner, [sent for sent, _ in missed])
    _settled(port, keys["owner"], shop, owner)
    for how in ({"last": last}, {"query": f"?last={last}"}):
        with Browser(port, keys["agent"], **how) as again:  # type: ignore[arg-type]
            again.greeted()
            assert [change(again.event())[0] for _ in missed] == [conversation for _, conversation in missed]


def _settled(port: int, key: str, shop: Shop, owner: Owner) -> None:
    """The front has heard everything that was signalled so far."""
    with Browser(port, key).greeted() as browser:
        sent, conversation = message(shop, shop.forms)
        restrict(shop, shop.forms)
        signal.send(owner, [sent])
        while change(browser.event()) != [conversation]:
            pass


@pytest.mark.parametrize("last", ["0badb007-5f", "nonsense", "x" * 5000, "-", "\u0661-\u0662"])
def test_what_cannot_be_resumed_is_read_again(port: int, keys: Any, last: str) -> None:
    with Browser(port, keys["agent"], last=last) as browser:
        assert browser.greeted().event().name == "refetch"


def test_resuming_after_a_change_of_access_reads_again(
    port: int, shop: Shop, keys: Any, owner: Owner
) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        signal.send(owner, [message(shop)[0]])
        last = browser.event().id
        signal.send(owner, [Signal("access", shop.id), message(shop)[0]])
        browser.event()
    with Browser(port, keys["agent"], last=last) as again:
        assert again.greeted().event().name == "refetch"
        assert again.silent()


def test_a_restart_of_the_database_is_survived_and_read_again(
    port: int, shop: Shop, keys: Any, owner: Owner, cluster: Cluster
) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        last = browser.last
        cluster.stop()
        assert browser.event().name == "pause"
        assert _get(port, "/healthz").startswith(b"HTTP/1.1 503")
        cluster.start()
        assert browser.event(10).name == "refetch"
        assert _get(port, "/healthz").startswith(b"HTTP/1.1 200")
        with psycopg.connect(cluster.owner_dsn, autocommit=True) as conn:
            sent, conversation = message(shop)
            signal.send(conn, [sent])
        assert change(browser.event()) == [conversation]
        assert last == ""


def _get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_signing_out_ends_the_stream_at_once(port: int, keys: Any) -> None:
    with Browser(port, keys["agent"]).greeted() as browser:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            line.sendall(
                f"GET /leave HTTP/1.1\r\nHost: localhost\r\nCookie: wasl_session={keys['agent']}\r\n\r\n".encode()
            )
            assert b"bye" in line.recv(65536)
        event = browser.event(2)
        assert (event.name, event.data) == ("end", "signed-out")
        assert status(port, keys["agent"]) == 401


@pytest.mark.parametrize("how", ["agent", "user", "password", "session"])
def test_who_may_no_longer_sign_in_is_cut_off(
    port: int, shop: Shop, keys: Any, owner: Owner, how: str
) -> None:
    user, agent = shop.users["agent"], shop.agents["agent"]
    with Browser(port, keys["agent"]).greeted() as browser:
        if how == "agent":
            with tenant(shop.id):
                Agent.objects.filter(id=agent.id).update(is_active=False)
        elif how == "user":
            User.objects.filter(id=user.id).update(is_active=False)
        elif how == "password":
            user.set_password("another one entirely")
            user.save()
        else:
            owner.execute("DELETE FROM django_session WHERE session_key = %s", [keys["agent"]])
        signal.send(owner, [Signal("access", shop.id)])
        event = browser.event()
        assert (event.name, event.data) == ("end", "signed-out")
    assert status(port, keys["agent"]) == 401


def test_a_stream_is_for_those_who_are_signed_in_here(port: int, keys: Any) -> None:
    assert status(port) == 401
    assert status(port, "abcdefghijklmnopqrstuvwxyz012345") == 401
    # NUL, as cookies may say it: asking the database for it would fail, for all who are asked about at the same time.
    assert status(port, '"\\000"') == 401
    assert status(port, keys["agent"], headers={"Sec-Fetch-Site": "cross-site"}) == 403
    assert status(port, keys["agent"], headers={"Content-Length": "0"}, method="POST") == 405
    assert status(port, keys["agent"], method="HEAD") == 200


def test_one_agent_cannot_take_every_stream(port: int, keys: Any) -> None:
    browsers = [Browser(port, keys["agent"]) for _ in range(25)]
    assert [browser.status for browser in browsers] == [200] * 24 + [429]
    for browser in browsers:
        browser.close()
    end = time.monotonic() + 5
    while status(port, keys["agent"]) == 429:
        assert time.monotonic() < end
