"""What administrators do with inboxes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import Team
from wasl.channels import actions
from wasl.channels.actions import BadAddress, MailInbox, PasswordAgain
from wasl.channels.email.outside import Imap, Opening, Smtp
from wasl.channels.models import Inbox, InboxTeam, Mailbox
from wasl.channels.queries import administered, inboxes_at, one_administered
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.kit.signal import LIVE, WAKE

IMAP = Imap("imap.shop.example", user="help@shop.example")
SMTP = Smtp("smtp.shop.example", user="help@shop.example")
WANTED = MailInbox(
    name="Help", address="Help@Shop.example", language="fr", imap=IMAP, opening=Opening(password="in-secret"),
    smtp=SMTP, password="out-secret", signature=" Leïla\n",
)  # fmt: skip


def _open(shop: Shop, wanted: MailInbox = WANTED) -> Inbox:
    with tenant(shop.id):
        return actions.open_mail_inbox(shop.actor("owner"), wanted)


def _change(shop: Shop, inbox: Inbox, **changes: Any) -> Inbox:
    with tenant(shop.id):
        return actions.change_mail_inbox(shop.actor("admin"), inbox.id, replace(WANTED, **changes))


def _box(inbox: Inbox) -> Mailbox:
    with tenant(inbox.workspace_id):
        return Mailbox.objects.get(id=inbox.id)


def test_an_inbox_is_kept_with_its_secrets_sealed(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    inbox = _open(shop)
    assert (inbox.address, inbox.name, inbox.config["signature"]) == ("help@shop.example", "Help", "Leïla")
    assert inbox.forward.startswith("in-")
    assert inboxes_at("email", "help@shop.example") == [(shop.id, inbox.id)]
    assert inboxes_at("email", f"{inbox.forward}@wasl.example") == [(shop.id, inbox.id)]
    row = owner.execute("SELECT row(i.*)::text FROM channels_inbox i WHERE id = %s", [inbox.id]).fetchone()
    assert row
    for secret in ("in-secret", "out-secret", b"in-secret".hex(), b"out-secret".hex()):
        assert secret not in row[0]
    assert actions.kept_opening(inbox) == Opening(password="in-secret")
    assert actions.kept_password(inbox) == "out-secret"
    assert _box(inbox).is_active


def test_an_empty_secret_leaves_what_is_kept(shop: Shop) -> None:
    inbox = _change(shop, _open(shop), opening=None, password=None, name="Care")
    assert inbox.name == "Care"
    assert actions.kept_opening(inbox) == Opening(password="in-secret")
    assert actions.kept_password(inbox) == "out-secret"


@pytest.mark.parametrize(
    "changes",
    [
        {"imap": replace(IMAP, host="imap.evil.example"), "opening": None},
        {"imap": replace(IMAP, user="boss@shop.example"), "opening": None},
        {"imap": replace(IMAP, port=1993), "opening": None},
        {"imap": replace(IMAP, auth="oauth", token_url="https://evil.example/t"), "opening": None},
        {"smtp": replace(SMTP, host="smtp.evil.example"), "password": None},
    ],
)
def test_a_kept_password_is_given_to_no_other_server(shop: Shop, changes: dict[str, Any]) -> None:
    inbox = _open(shop)
    with pytest.raises(PasswordAgain):
        _change(shop, inbox, **changes)
    with tenant(shop.id):
        assert Inbox.objects.get(id=inbox.id).config["imap"]["host"] == "imap.shop.example"


def test_half_of_what_oauth_needs_can_be_entered_anew(shop: Shop) -> None:
    imap = replace(IMAP, auth="oauth", token_url="https://t.example/t", client_id="c")
    inbox = _open(shop, replace(WANTED, imap=imap, opening=Opening(client_secret="s", refresh_token="r")))
    inbox = _change(shop, inbox, imap=imap, opening=Opening(refresh_token="new"))
    assert actions.kept_opening(inbox) == Opening(client_secret="s", refresh_token="new")


def test_where_fetching_goes_on_and_where_it_begins_anew(shop: Shop) -> None:
    inbox = _open(shop)
    begun = _box(inbox).since
    with tenant(shop.id):
        Mailbox.objects.filter(id=inbox.id).update(
            uidvalidity=7, last_uid=70, highest_uid=60, problem="sign_in_refused", failures=4, held_by=uuid7()
        )
    _change(shop, inbox, opening=Opening(password="new"))
    box = _box(inbox)
    assert (box.uidvalidity, box.last_uid, box.since) == (7, 70, begun), "the same mailbox: it goes on"
    assert (box.problem, box.failures, box.held_by) == ("", 0, None), "and is tried at once"
    day = datetime(2026, 1, 1, tzinfo=UTC)
    _change(shop, inbox, since=day)
    assert (_box(inbox).last_uid, _box(inbox).since) == (0, day)
    with tenant(shop.id):
        Mailbox.objects.filter(id=inbox.id).update(uidvalidity=7, last_uid=70)
    _change(shop, inbox, imap=replace(IMAP, folder="Support"))
    assert (_box(inbox).uidvalidity, _box(inbox).last_uid) == (0, 0)
    assert _box(inbox).since > day
    inbox = _change(shop, inbox, imap=None, smtp=None, plus=False)
    assert not _box(inbox).is_active
    assert (inbox.incoming_secret, inbox.secret, inbox.config.keys()) == (
        None, None, {"signature", "plus"},
    )  # fmt: skip


def test_what_others_put_into_the_settings_stays(shop: Shop) -> None:
    with tenant(shop.id):
        shop.mail.config = {"smtp": {"host": "h", "port": 25, "tls": "none", "connections": 3}, "lookup": "x"}
        shop.mail.save()
        found = actions.change_mail_inbox(
            shop.actor("owner"), shop.mail.id,
            MailInbox(name="S", address=shop.mail.address, language="en", smtp=Smtp("h", 25, "none")),
        )  # fmt: skip
    assert found.config == {
        "smtp": {"host": "h", "port": 25, "tls": "none", "user": "", "connections": 3}, "lookup": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "shape"), ("help", "shape"), ("a b@c.example", "shape"), ("help@localhost", "shape"),
        ("help+x@shop.example", "shape"), ("a@b.example\nBcc: c@d.example", "shape"), ("<a@b.example>", "shape"),
        ("a-local-part-that-is-long@shop.example", "long"), ("support@dar-zaytun.example", "taken"),
        ("support@elsewhere.example", "taken"),
    ],
)  # fmt: skip
def test_addresses_that_cannot_be(shop: Shop, address: str, reason: str) -> None:
    Shop.create("elsewhere", "support@elsewhere.example")
    with pytest.raises(BadAddress, match=reason):
        _open(shop, replace(WANTED, address=address))


def test_an_address_of_another_workspace_is_not_taken_by_switching_on(shop: Shop) -> None:
    with tenant(shop.id):
        actions.switch(shop.actor("owner"), shop.mail.id, on=False)
    Shop.create("elsewhere", shop.mail.address)
    with tenant(shop.id), pytest.raises(BadAddress):
        actions.switch(shop.actor("owner"), shop.mail.id, on=True)


def test_switching_off_ends_fetching_too(shop: Shop) -> None:
    inbox = _open(shop)
    with tenant(shop.id):
        actions.switch(shop.actor("owner"), inbox.id, on=False)
    assert not _box(inbox).is_active
    assert inboxes_at("email", inbox.address) == []
    with tenant(shop.id), pytest.raises(NotFound):
        actions.look_now(shop.actor("owner"), inbox.id)
    with tenant(shop.id):
        actions.switch(shop.actor("owner"), inbox.id, on=True)
        actions.look_now(shop.actor("owner"), inbox.id)
    assert _box(inbox).is_active


def test_teams_decide_who_sees_an_inbox_and_pages_hear_of_it(
    shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
    other = Shop.create("elsewhere", "support@elsewhere.example")
    with tenant(other.id):
        foreign = Team.objects.create(workspace_id=other.id, name="Rome")
    owner.execute(f"LISTEN {LIVE}")
    owner.execute(f"LISTEN {WAKE}")
    inbox = _open(shop, replace(WANTED, teams=[team.id]))
    heard = {notice.payload for notice in owner.notifies(timeout=30, stop_after=2)}
    assert "mailboxes" in heard
    assert any('"k":"access"' in payload for payload in heard)
    assert inbox.id not in shop.actor("agent").inboxes
    assert inbox.id in shop.actor("admin").inboxes
    with tenant(shop.id):
        assert [each.name for each in one_administered(shop.actor("owner"), inbox.id).teams] == ["Lyon"]
        with pytest.raises(NotFound):
            actions.show_to(shop.actor("owner"), inbox.id, [foreign.id])
        actions.show_to(shop.actor("owner"), inbox.id, [])
        assert not InboxTeam.objects.exists()


def test_an_api_inbox_is_changed(shop: Shop) -> None:
    with tenant(shop.id):
        owner = shop.actor("owner")
        actions.change_api_inbox(owner, shop.forms.id, address="site", name=" Site ", language="it", teams=[])
        actions.open_api_inbox(owner, "app", "App")
        with pytest.raises(BadAddress, match="taken"):
            actions.change_api_inbox(owner, shop.forms.id, address="app", name="", language="it", teams=[])
        with pytest.raises(BadAddress, match="shape"):
            actions.change_api_inbox(owner, shop.forms.id, address="A", name="", language="it", teams=[])
        with pytest.raises(NotFound):
            actions.change_api_inbox(owner, shop.mail.id, address="x", name="", language="it", teams=[])
        assert Inbox.objects.get(id=shop.forms.id).name == "Site"


@pytest.mark.parametrize("role", ["agent", "readonly"])
def test_only_administrators(shop: Shop, role: str) -> None:
    actor = shop.actor(role)
    doings = (
        lambda: actions.open_mail_inbox(actor, WANTED),
        lambda: actions.change_mail_inbox(actor, shop.mail.id, WANTED),
        lambda: actions.switch(actor, shop.mail.id, on=False),
        lambda: actions.look_now(actor, shop.mail.id),
        lambda: administered(actor),
    )
    for doing in doings:
        with tenant(shop.id), pytest.raises(Forbidden):
            doing()
