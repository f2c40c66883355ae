"""Old mail, contacts: everything finds its place, twice changes nothing, and a stopped import goes on."""

import mailbox
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.inbound import take
from tests.worlds import Shop
from wasl.calls import follow as calls
from wasl.calls.models import Offer
from wasl.cli import importing, mail_sources
from wasl.cli.mail_sources import Maildir, Mbox
from wasl.cli.token import as_owner
from wasl.conversations import contact_sheet, follow, listing, queries, states
from wasl.conversations.filters import Filter
from wasl.conversations.flood import BURST
from wasl.conversations.importing import Importer
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Customer, Identity
from wasl.delivery.models import Delivery
from wasl.desk import acknowledge, notices
from wasl.desk.models import Acknowledgement, Notice
from wasl.kit.clock import now
from wasl.kit.db import pool, raw, tenant
from wasl.timeline.follow import run_once
from wasl.timeline.models import Touchpoint
from wasl.webhooks import actions as webhooks
from wasl.webhooks import follow as told_elsewhere
from wasl.webhooks.events import CREATED
from wasl.webhooks.models import Call
from wasl.workspace.shapes.thread import writer

FOLLOWERS = (acknowledge.FOLLOWER, notices.FOLLOWER, calls.FOLLOWER, told_elsewhere.FOLLOWER)
THEN = datetime(2024, 3, 1, 9, tzinfo=UTC)


def mail(
    number: int,
    sender: str,
    to: str,
    at: datetime,
    answers: int | None = None,
    text: str = "Hello",
    subject: str = "",
) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Date"] = sender, to, format_datetime(at)
    made["Subject"] = subject or "Order"
    made["Message-ID"] = f"<{number}@mail.example>"
    if answers is not None:
        made["In-Reply-To"] = made["References"] = f"<{answers}@mail.example>"
    made.set_content(text)
    return made.as_bytes()


BEN = "Ben <ben@people.example>"
ANA, US, AGENT = "Ana <ana@people.example>", "support@dar-zaytun.example", "agent@dar-zaytun.example"


def history(days: int = 0) -> list[bytes]:
    at = THEN + timedelta(days=days)
    return [
        mail(1, ANA, US, at, text="Where is my parcel?"),
        mail(
            2, f"Agent <{AGENT}>", "ana@people.example", at + timedelta(hours=1), 1, "On its way", "Re: Order"
        ),
        mail(3, ANA, US, at + timedelta(hours=2), 2, "Thank you\nFrom my side all is well", "Re: Order"),
        mail(4, US, "Ben <ben@people.example>", at + timedelta(days=1), None, "Your invoice", "Invoice"),
    ]


def follow_on() -> None:
    """Let everybody who tells somebody of something read to the end."""
    with pool("queue", "test", 8).connection() as conn:
        for follower in FOLLOWERS:
            while run_once(conn, follower):
                pass


@pytest.fixture
def mbox(tmp_path: Path) -> Callable[[list[bytes]], Path]:
    def write(mails: list[bytes]) -> Path:
        path = tmp_path / "old.mbox"
        box = mailbox.mbox(path)
        for each in mails:
            box.add(each)
        box.flush()
        box.close()
        return path

    return write


def run(shop: Shop, *arguments: str) -> int:
    import argparse

    parser = argparse.ArgumentParser()
    importing.add_to(parser)
    with tenant(shop.id):
        from wasl.accounts.models import Workspace

        slug = Workspace.objects.get(id=shop.id).slug
    return importing.run(parser.parse_args([*arguments, "--workspace", slug]))


def test_a_conversation_comes_in_whole(
    shop: Shop, mbox: Callable[[list[bytes]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(shop, "mbox", str(mbox(history())), "--inbox", US) == 0
    assert "2 received and 2 sent" in capsys.readouterr().out
    with tenant(shop.id):
        conversation = Conversation.objects.get(subject="Order")
        rows = list(Message.objects.filter(conversation=conversation).order_by("at"))
        assert [(row.way, row.at) for row in rows] == [
            ("in", THEN),
            ("out", THEN + timedelta(hours=1)),
            ("in", THEN + timedelta(hours=2)),
        ]
        assert rows[1].author_id == shop.agents["agent"].id
        assert "From my side" in rows[2].text, "the mbox quoting is undone"
        assert (conversation.status, conversation.messages, conversation.last_way) == ("resolved", 3, "in")
        invoice = Conversation.objects.get(subject="Invoice")
        assert (invoice.customer.name, invoice.status, invoice.last_way) == ("Ben", "resolved", "out")
        shown = {
            one.message.rfc_id: one.author
            for one in queries.thread(shop.actor("agent"), conversation.id).rows
        }
        assert shown["2@mail.example"] == shop.agents["agent"].name
        (sold,) = queries.thread(shop.actor("agent"), invoice.id).rows
        assert sold.author == US, "where no agent has the address, it is shown whose it is"
        assert not Delivery.objects.exists(), "nothing is sent again"
        assert not Identity.objects.filter(address__in=[US, AGENT]).exists(), "we are nobody's customer"


def test_what_somebody_wrote_who_has_left_was_sent(
    shop: Shop, mbox: Callable[[list[bytes]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    left, colleague = "Nadia <Nadia@dar-zaytun.example>", "nadia@dar-zaytun.example"
    mails = [
        mail(1, ANA, US, THEN, text="Where is my parcel?"),
        mail(2, left, "ana@people.example", THEN + timedelta(hours=1), 1, "On its way", "Re: Order"),
        mail(3, US, f"Nadia <{colleague}>, {BEN}", THEN + timedelta(days=1), None, "Your invoice", "Invoice"),
    ]
    given = ["--inbox", US, "--ours", colleague.upper(), "--ours", "shop@of-before.example"]
    assert run(shop, "mbox", str(mbox(mails)), *given) == 0
    assert "1 received and 2 sent" in capsys.readouterr().out
    with tenant(shop.id):
        conversation = Conversation.objects.get(subject="Order")
        said = {
            one.message.rfc_id: one.author
            for one in queries.thread(shop.actor("agent"), conversation.id).rows
        }
        assert said["2@mail.example"] == "Nadia"
        assert Conversation.objects.get(subject="Invoice").customer.name == "Ben"
        assert not Identity.objects.filter(address=colleague).exists()


def test_twice_is_once(
    shop: Shop, mbox: Callable[[list[bytes]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(mbox(history()))
    run(shop, "mbox", path, "--inbox", US)
    run(shop, "mbox", path, "--inbox", US, "--again")
    assert "4 were there already" in capsys.readouterr().out
    with tenant(shop.id):
        assert Message.objects.count() == 4


def test_a_stopped_import_goes_on_where_it_was(
    shop: Shop, mbox: Callable[[list[bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = [mail(n, ANA, US, THEN + timedelta(minutes=n), subject=f"Matter {n}") for n in range(30)]
    path = str(mbox(mails))
    monkeypatch.setattr(importing, "SLICE", 10)
    taken: list[int] = []
    take = Importer.take

    def stop_in_the_middle(
        self: Importer, old: list[tuple[bytes | None, datetime]], again: bool
    ) -> dict[str, int]:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(len(old))
        return take(self, old)

    monkeypatch.setattr(Importer, "take", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        run(shop, "mbox", path, "--inbox", US)

    def note_and_take(
        self: Importer, old: list[tuple[bytes | None, datetime]], again: bool
    ) -> dict[str, int]:
        taken.append(len(old))
        return take(self, old)

    monkeypatch.setattr(Importer, "take", note_and_take)
    run(shop, "mbox", path, "--inbox", US)
    assert taken == [10, 10, 10]
    with tenant(shop.id):
        assert Message.objects.count() == 30


def test_a_workspace_is_named_only_where_there_are_several(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = as_owner(None)
    assert alone is not None
    assert alone.workspace_id == shop.id
    Shop.create("other", "help@other.example")
    assert as_owner(None) is None
    assert "Name one with --workspace: " in capsys.readouterr().err


def test_what_a_killed_import_had_stored_is_put_in_order_too(
    shop: Shop, mbox: Callable[[list[bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = [mail(n, ANA, US, THEN + timedelta(minutes=n), subject=f"Matter {n}") for n in range(6)]
    mails += [
        mail(n, US, "karl@mail.example", THEN + timedelta(minutes=n), subject="Ours") for n in range(6, 8)
    ]
    path = str(mbox(mails))

    def killed(*of: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("wasl.conversations.history.settle_old", killed)
        with pytest.raises(KeyboardInterrupt):
            run(shop, "mbox", path, "--inbox", US)
    run(shop, "mbox", path, "--inbox", US)
    with tenant(shop.id):
        assert Message.objects.count() == 8
        assert set(Conversation.objects.values_list("status", flat=True)) == {"resolved"}


def test_a_maildir_with_its_folders(shop: Shop, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "mail")
    sent = box.add_folder("Sent")
    first, answer, third, invoice = history()
    for each in (first, third):
        box.add(each)
    for each in (answer, invoice):
        sent.add(each)
    run(shop, "maildir", str(tmp_path / "mail"), "--inbox", US)
    with tenant(shop.id):
        assert Message.objects.count() == 4


def test_what_is_brought_in_is_history_and_no_news(shop: Shop) -> None:
    """Nobody is told of it, answered or woken; it is read; and what stood open here stays as it stood."""
    owner, agent = shop.actor("owner"), shop.actor("agent")
    take(shop, mail(1, ANA, US, now(), text="Where is my parcel?"))
    with tenant(shop.id):
        live = Conversation.objects.get()
        states.snooze(agent, live.id, None)
        Acknowledgement.objects.create(workspace_id=shop.id, inbox=shop.mail, is_on=True, minutes=120)
        notices.choose(agent, {"new": ["page", "push", "mail"], "answered": ["page"]})
        webhooks.create(owner, "https://shop.example/hook", "", ("message.received", CREATED))
        importer = Importer(owner, shop.mail)
    follow_on()  # the live one is told of, before anything is looked at
    with tenant(shop.id):
        told = Call.objects.count(), Notice.objects.count(), Delivery.objects.count()
        came_in = Conversation.objects.get().last_in_at
    at = now() - timedelta(minutes=50)
    first = mail(10, BEN, US, at, text="Please call me back", subject="Plates")
    answer = mail(11, f"Dar Zaytun <{US}>", BEN, at, 10, "On its way", "Re: Plates")
    more = [mail(n, BEN, US, at, n - 1, "Thank you", "Re: Plates") for n in range(12, 15)]
    before = mail(15, ANA, US, at, 1, "What I said before", "Re: Order")
    old = mail(16, BEN, US, THEN, text="Long ago", subject="Cups"), THEN
    importer.take([(one, at + timedelta(minutes=n)) for n, one in enumerate([first, answer, *more, before])])
    importer.take([old, (mail(17, BEN, US, THEN, 16, subject="Cups"), THEN + timedelta(days=30))])
    crowd = [(mail(100 + n, BEN, US, THEN, 99 + n), THEN + timedelta(seconds=n)) for n in range(BURST + 1)]
    assert importer.take(crowd)["received"] == len(crowd), "no sender is too fast for their own history"
    follow_on()
    with tenant(shop.id):
        assert (Call.objects.count(), Notice.objects.count(), Delivery.objects.count()) == told
        assert not Offer.objects.exists(), "nobody is called back"
        assert not Touchpoint.objects.filter(facts__reopened=1).exists()
        live.refresh_from_db()
        assert (live.status, live.messages, live.last_in_at) == ("snoozed", 3, came_in)
        plates, cups = (Conversation.objects.get(subject=name) for name in ("Plates", "Cups"))
        assert (plates.status, plates.messages, plates.preview) == ("open", 5, "Thank you")
        assert (cups.status, cups.messages, cups.last_at) == ("resolved", 2, THEN + timedelta(days=30))
        unread = [each.subject for each in listing.page(agent, Filter(status="")).rows if each.unread]
        assert unread == [live.subject]
        (sold,) = [one for one in queries.thread(agent, plates.id).rows if one.message.way == "out"]
        assert (sold.author, writer(sold)) == ("Dar Zaytun", "Dar Zaytun")
    take(shop, mail(20, BEN, US, now(), 14, "And now?"))
    with tenant(shop.id):
        plates.refresh_from_db()
        assert [one.unread for one in listing.page(agent).rows] == [True], "what comes in from now on is news"
        rebuilt = plates.last_in_at
        follow.rebuild(raw(), shop.id)
        plates.refresh_from_db()
        assert plates.last_in_at == rebuilt


def test_old_mail_joins_what_it_closely_follows_on(shop: Shop) -> None:
    with tenant(shop.id):
        importer = Importer(shop.actor("owner"), shop.mail)
    told = [
        (ANA, 0, "Order"),
        (ANA, 30, "A photo"),
        (BEN, 40, "Order"),
        (ANA, 500, "Photo?"),
        (ANA, 900, "Photo?"),
    ]
    importer.take(
        [
            (mail(number, who, US, THEN, subject=subject), THEN + timedelta(seconds=later))
            for number, (who, later, subject) in enumerate(told)
        ]
    )
    with tenant(shop.id):
        found = Conversation.objects.order_by("created_at").values_list("subject", "messages")
        assert list(found) == [("Order", 2), ("Order", 1), ("Photo?", 2)]


def test_recent_conversations_stay_open(shop: Shop) -> None:
    with tenant(shop.id):
        importer = Importer(shop.actor("owner"), shop.mail)
    at = now() - timedelta(days=1)
    importer.take([(mail(1, ANA, US, at), at)])
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


def test_what_cannot_be_read_or_is_too_large_stops_nothing(
    shop: Shop,
    mbox: Callable[[list[bytes]], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(mail_sources, "LARGEST", 5000)
    big = mail(8, ANA, US, THEN, text="x" * 70 + "\n" + ("y" * 70 + "\n") * 100)
    path = mbox([mail(7, ANA, US, THEN), big, b"From: nobody\n\n", mail(9, ANA, US, THEN)])
    assert run(shop, "mbox", str(path), "--inbox", US) == 0
    said = capsys.readouterr().out
    assert "1 are larger" in said
    assert "2 received" in said


def test_what_is_no_mail_at_all_is_said(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("hello")
    assert run(shop, "mbox", str(tmp_path / "x"), "--inbox", US) == 1
    assert "no mbox file" in capsys.readouterr().err
    assert run(shop, "mbox", str(tmp_path / "nothing"), "--inbox", US) == 1
    assert run(shop, "mbox", str(tmp_path / "x"), "--inbox", "other@x.example") == 1


def test_places_are_between_messages(mbox: Callable[[list[bytes]], Path]) -> None:
    source = Mbox(mbox(history()))
    everything = list(source.read(""))
    for number, found in enumerate(everything):
        rest = list(source.read(found.place))
        assert [each.raw for each in rest] == [each.raw for each in everything[number + 1 :]]
    assert everything[-1].done == source.size


def test_maildir_places(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "mail")
    for each in history():
        box.add(each)
    source = Maildir(tmp_path / "mail")
    everything = list(source.read(""))
    assert len(everything) == source.size == 4
    assert [each.raw for each in source.read(everything[1].place)] == [each.raw for each in everything[2:]]


@pytest.mark.parametrize(
    ("head", "year"),
    [
        (b"Date: Fri, 01 Mar 2024 09:00:00 +0000\n\n", 2024),
        (b"Date: nonsense\n\n", 2020),
        (b"Date: Fri, 01 Mar 1901 09:00:00 +0000\n\n", 2020),
        (b"\nDate: Fri, 01 Mar 2024 09:00:00 +0000\n\n", 2020),
    ],
)
def test_dates(head: bytes, year: int) -> None:
    assert mail_sources.dated(head, datetime(2020, 1, 1, tzinfo=UTC)).year == year
    assert mail_sources.dated(b"Date: Fri, 01 Mar 2199 09:00:00 +0000\n\n", THEN) <= datetime.now(UTC)


CONTACTS = """email,name,language,place,timezone
ana@people.example,Ana,fr,Lyon,Europe/Paris
ANA@people.example,Somebody else,it,,
not an address,,,,
ben@people.example,Ben,xx,,
carl@people.example,Carl,,,Mars/Olympus
dora@people.example,Dora, born in Nice,,,Europe/Paris
emil@people.example,"Emil
of Nantes",fr,,
"""


def test_contacts(shop: Shop) -> None:
    *_, report = contact_sheet.take(shop.actor("agent"), CONTACTS.encode())
    assert (report.made, report.same, report.wrong) == (2, 1, 4)
    assert sorted((line, column) for line, column, _ in report.faults) == [
        (4, "email"),
        (5, "language"),
        (6, "timezone"),
        (7, "6"),  # a comma too many: nothing is where it belongs
    ]
    with tenant(shop.id):
        ana, emil = Customer.objects.order_by("name")
        assert emil.name == "Emil of Nantes"
        assert (ana.name, ana.language, ana.place, ana.timezone) == ("Ana", "fr", "Lyon", "Europe/Paris")
    *_, again = contact_sheet.take(shop.actor("agent"), CONTACTS.encode())
    assert (again.made, again.same) == (0, 3)
