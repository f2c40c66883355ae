"""Web chat at its door: who may ask, what is kept, who reads what, and the stream."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.delivery.road import FAST
from tests.doors.chats import SECRET, SITE, Browser, Reader, Site
from tests.inbound import mail, take, work
from tests.worlds import Shop
from wasl.accounts.models import Calendar
from wasl.channels.models import Inbox
from wasl.channels.port import Choice
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.notes import note
from wasl.conversations.reply import Upload, reply
from wasl.customers.models import Claim, Customer, Identity
from wasl.delivery.models import Delivery, State
from wasl.delivery.work import Sender
from wasl.desk import waits
from wasl.doors import chat_asks, chat_stream
from wasl.intake.models import Inbound
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import conninfo, pool, tenant
from wasl.kit.ids import uuid7
from wasl.kit.memory import Pace
from wasl.kit.presence import PRESENCE, Beat
from wasl.kit.signal import Signal
from wasl.widget import asks, feed
from wasl.widget.models import Visitor
from wasl.widget.place import places
from wasl.widget.tokens import Account, make
from wasl.widget.visitors import browser_key

Owner = psycopg.Connection[Any]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def site(shop: Shop) -> Iterator[Site]:
    made = Site(shop)
    yield made
    made.close()


@pytest.fixture
def sara(site: Site) -> Browser:
    return Browser(site)


def token(
    sub: str = "10045", email: str = "", name: str = "", minutes: float = 5, secret: str = SECRET
) -> str:
    return make(Account(sub, email, name), secret, now() + timedelta(minutes=minutes))


def count(owner: Owner, table: str) -> int:
    row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_only_pages_of_the_inbox_may_ask(site: Site, sara: Browser, owner: Owner) -> None:
    sara.origin = "https://elsewhere.example"
    said = sara.write("Hello")
    assert said.status_code == 403
    assert "access-control-allow-origin" not in said.headers
    assert site.ask("GET", f"/chat/{uuid4()}").status_code == 404
    assert site.ask("GET", "/chat/x").status_code == 404
    assert (
        site.ask("GET", f"/chat/{site.shop.mail.id}", Authorization=f"Bearer {sara.secret}").status_code
        == 404
    )
    sara.origin = "http://localhost:8000"
    asked = sara.ask("OPTIONS", "/messages")
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, sara.origin)
    assert "authorization" in asked.headers["access-control-allow-headers"]
    refused = site.ask("GET", site.at, Origin=SITE)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == SITE, "a page may read why"
    assert count(owner, "intake_inbound") == 0


def test_what_is_written_is_durable_at_once_and_once(site: Site, sara: Browser, owner: Owner) -> None:
    key = str(uuid4())
    for _ in range(3):
        said = sara.write("Where is my order?", key)
        assert (said.status_code, said.json()) == (202, {"id": key})
    assert count(owner, "intake_inboundqueue") == 1
    assert sara.texts == [], "it is not understood yet"
    work()
    [shown] = sara.hello()["messages"]
    assert (shown["way"], shown["text"], shown["own"]) == ("in", "Where is my order?", key)
    with tenant(site.shop.id):
        message = Message.objects.get()
        customer = Customer.objects.get()
        assert customer.name.endswith(Identity.objects.get().display), "what agents see is no key"
    assert (message.channel, message.language) == ("webchat", "en")
    assert customer.name.startswith("Visitor ")


def test_visitors_never_read_each_other(site: Site, sara: Browser, owner: Owner) -> None:
    other = Browser(site)
    sara.write("My card ends in 4242")
    other.write("Do you ship to Malta?")
    work()
    answer(site, "We do.", of=other)
    assert sara.texts == [("in", "My card ends in 4242")]
    assert other.texts == [("in", "Do you ship to Malta?"), ("out", "We do.")]
    [item] = [each for each in other.hello()["messages"] if each["way"] == "out"]
    assert sara.ask("POST", "/receipts", {"read": [item["ref"]]}).json() == {"taken": 0}
    assert sara.secret not in str(owner.execute("SELECT * FROM customers_identity").fetchall())
    stranger = Browser(site)
    assert stranger.texts == []


def answer(site: Site, text: str, of: Browser, **more: Any) -> UUID:
    """An agent answers the conversation in which that visitor wrote, and the answer leaves."""
    own = {each["id"] for each in of.hello()["messages"]}
    with tenant(site.shop.id):
        message = Message.objects.filter(id__in=own).order_by("-at").first()
        assert message
        sent = reply(site.shop.actor(), message.conversation_id, text, **more)
    leave(site)
    return sent


def leave(site: Site) -> None:
    """The worker's sender takes turns until everything has left."""
    sender = Sender(pool("queue", "test", 8), senders=2, limits=FAST)
    for _ in range(400):
        sender.step()
        with tenant(site.shop.id):
            if not Delivery.objects.filter(state__in=["queued", "sending", "retry"]).exists():
                break
        time.sleep(0.02)
    sender.close()


def state(site: Site) -> str:
    with tenant(site.shop.id):
        return str(Delivery.objects.get().state)


def test_an_answer_is_shown_and_what_is_seen_of_it_is_known(site: Site, sara: Browser) -> None:
    sara.write("Is the lamp back?")
    work()
    answer(site, "It is.", sara, choices=(Choice("buy", "Reserve one"), Choice("no", "No, thanks")))
    [_, item] = sara.hello()["messages"]
    assert (item["text"], item["by"], item["state"]) == ("It is.", "Agent", "sent")
    assert item["choices"] == [["buy", "Reserve one"], ["no", "No, thanks"]]
    for kind in ("delivered", "delivered", "read", "delivered"):
        sara.ask("POST", "/receipts", {kind: [item["ref"]]})
        work()
    assert state(site) == State.READ
    choice = {"key": "buy", "title": "Reserve one"}
    assert sara.write("", choice=choice, answers=item["ref"]).status_code == 202
    work()
    with tenant(site.shop.id):
        chosen = Message.objects.get(meta__kind="choice")
        assert Conversation.objects.count() == 1
    assert (chosen.text, chosen.meta["content"]["key"]) == ("Reserve one", "buy")


def test_what_has_not_left_is_not_shown(site: Site, sara: Browser) -> None:
    sara.write("Hello?")
    work()
    with tenant(site.shop.id):
        conversation = Conversation.objects.get()
        reply(site.shop.actor(), conversation.id, "Wait, I am still thinking", hold=60)
        note(site.shop.actor(), conversation.id, "She is angry")
    assert sara.texts == [("in", "Hello?")]


def test_files_go_both_ways(site: Site, sara: Browser, owner: Owner) -> None:
    sara.write("See the picture")
    key = str(uuid4())
    for _ in range(2):
        assert sara.send("lamp%20broken.png", PNG, "image/png", key).status_code == 202
    assert sara.send("list.txt", b"x" * 100_000).status_code == 202
    work()
    with tenant(site.shop.id):
        kept = list(Attachment.objects.order_by("size").values_list("filename", "content_type", "size"))
        assert blobs.read(site.shop.id, bytes(Attachment.objects.get(size=72).digest)) == PNG
    assert kept == [("lamp broken.png", "image/png", 72), ("list.txt", "text/plain", 100_000)]
    answer(site, "Thank you", sara, files=[Upload("offer.html", "text/html", content=b"<script>")])
    items = sara.hello()["messages"]
    shown = {file["name"]: file for item in items for file in item.get("files", ())}
    assert shown["lamp broken.png"]["picture"]
    picture = site.ask("GET", shown["lamp broken.png"]["link"])
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    page = site.ask("GET", shown["offer.html"]["link"])
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in page.headers["content-security-policy"]
    link = shown["lamp broken.png"]["link"]
    assert site.ask("GET", link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 404
    assert site.ask("GET", link.replace("until=", "until=9")).status_code == 404
    assert count(owner, "conversations_attachment") == 3


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "too large"), ("fr", "trop volumineux"), ("it", "troppo grande"), ("ar", "أكبر")],
)
def test_what_is_too_large_or_of_the_wrong_kind_is_refused_in_ones_language(
    site: Site, sara: Browser, language: str, words: str, owner: Owner
) -> None:
    sara.language = language
    large = sara.ask("POST", f"/files?id={uuid4()}&name=a.bin", bytes(asks.FILE + 1))
    assert large.status_code == 413
    assert words in large.json()["detail"]
    assert sara.send("invoice.pdf.exe", b"MZ").status_code == 415
    assert sara.send("..%2F..%2Fetc%2Fevil.bat", b"x").status_code == 415
    assert sara.send("empty.txt", b"").status_code == 422
    assert sara.write("x" * (asks.TEXT + 1)).status_code == 413
    assert sara.write("   ").status_code == 422
    assert sara.write("x", "not-a-uuid").status_code == 422
    assert sara.ask("POST", "/messages", b"{").status_code == 400
    assert sara.ask("POST", "/address", {"id": str(uuid4()), "email": "nobody"}).status_code == 422
    assert count(owner, "intake_inbound") == 0


def test_a_flood_is_slowed_and_others_are_not(
    site: Site, sara: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_asks, "_visitors", Pace(0.01, 3))
    said = [sara.write(f"{number}") for number in range(5)]
    assert [each.status_code for each in said] == [202, 202, 202, 429, 429]
    assert int(said[-1].headers["retry-after"]) > 0
    assert Browser(site).write("I am somebody else").status_code == 202


def test_who_asks_for_one_inbox_after_another_does_not_keep_the_database_busy(
    site: Site, sara: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_asks, "_searches", Pace(0.01, 2), raising=False)
    for _ in range(3):
        places.clear()
        sara.hello()
    paths = ["/chat/{}", "/chat/{}/stream", "/widget/{}.js", "/chat/{}/files/1?language=fr", "/chat/{}/inbox"]
    asked = [site.ask("GET", path.format(uuid4())) for path in paths]
    assert [each.status_code for each in asked] == [404, 404, 429, 429, 429]
    assert "instant" in asked[3].text, "in their language"
    assert sara.ask("GET").status_code == 200, "what is known is not searched for"


def test_nobody_keeps_all_streams_for_themselves(
    site: Site, sara: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_stream, "MOST_FROM", 2)

    async def crowd() -> list[int]:
        readers = [Reader(Browser(site)) for _ in range(3)]
        for reader in readers[:2]:
            await reader.open()
            await reader.until("standing")
        await readers[2].open()
        await readers[2].started.wait()
        for reader in readers:
            await reader.close()
        return [reader.status for reader in readers]

    assert site.run(crowd) == [200, 200, 429]
    monkeypatch.setattr(chat_stream, "MOST", 2.5)
    assert site.run(crowd) == [200, 200, 503]  # what is left is for visitors of others
    monkeypatch.setattr(chat_asks, "_knocks", Pace(0.01, 1))
    assert [sara.ask("GET", path).status_code for path in ("", "", "/stream")] == [200, 429, 429]


def test_an_address_that_is_left_is_a_claim_and_no_identity(site: Site, sara: Browser) -> None:
    take(site.shop, mail("Bonjour", sender="Sara <sara@home.example>"))
    sara.write("Hello")
    assert sara.ask("POST", "/address", {"id": str(uuid4()), "email": "sara@home.example"}).status_code == 202
    work()
    with tenant(site.shop.id):
        left = Message.objects.get(meta__kind="address")
        assert Identity.objects.get(channel="email").customer_id != left.customer_id
        assert Customer.objects.count() == 2
        assert Claim.objects.get(customer=left.customer, point__startswith="mail:").known == "claimed"
    assert left.meta["content"]["email"] == left.text == "sara@home.example"


@pytest.mark.parametrize("proved", [True, False])
def test_a_token_of_the_host_site_says_who_it_is(site: Site, sara: Browser, proved: bool) -> None:
    """Her mail and her chat are one customer's, unless nothing proves that the mail was hers."""
    take(site.shop, mail("Bonjour", sender="Sara <Sara@home.example>"))
    with tenant(site.shop.id):
        Identity.objects.update(known="channel" if proved else "claimed")
    sara.token = token(email="sara@Home.example", name="Sara B.")
    assert sara.hello()["visitor"] == {"verified": True, "name": "Sara B.", "spent": False, "problem": ""}
    sara.write("Hello")
    work()
    with tenant(site.shop.id):
        assert Customer.objects.count() == (1 if proved else 2)
        channels = set(Identity.objects.values_list("channel", flat=True))
        assert Message.objects.get(channel="webchat").meta["content"]["account"] == "10045"
    assert channels == {"email", "webchat"}
    phone = Browser(site, token=token(email="sara@home.example"))
    assert phone.texts == [("in", "Hello")], "in every browser of hers"


def test_what_is_sent_again_after_signing_in_is_still_the_same(
    site: Site, sara: Browser, owner: Owner
) -> None:
    key = str(uuid4())
    sara.write("Hello", key)
    sara.token = token(name="Sara")
    sara.write("Hello", key)
    assert count(owner, "intake_inbound") == 1
    work()
    assert sara.texts == [("in", "Hello")]


def test_a_new_customer_who_is_verified_is_known_by_mail_later(site: Site, sara: Browser) -> None:
    sara.token = token(email="new@home.example", name="Noor")
    sara.write("Hello")
    work()
    take(site.shop, mail("Encore moi", sender="Noor <new@home.example>"))
    with tenant(site.shop.id):
        assert Customer.objects.count() == 1


@pytest.mark.parametrize("broken", ["expired", "signature", "algorithm", "malformed", "subject"])
def test_a_token_that_proves_nothing_makes_nobody_of_anybody(site: Site, sara: Browser, broken: str) -> None:
    none = "eyJhbGciOiJub25lIn0." + token().split(".")[1] + "."
    sara.token = {
        "expired": token(minutes=-5), "signature": token(secret="another"), "algorithm": none, "malformed": "x.y",
        "subject": token(sub=""),
    }[broken]  # fmt: skip
    said = sara.hello()["visitor"]
    assert (said["verified"], said["problem"]) == (False, broken)
    refused = sara.write("Hello")
    assert refused.status_code == 401
    assert broken in refused.json()["detail"]


def test_who_sits_down_next_at_the_same_browser_reads_nothing(site: Site, sara: Browser) -> None:
    sara.write("Before I sign in")
    work()
    sara.token = token("1", name="Sara")
    assert sara.texts == [("in", "Before I sign in")], "it was hers"
    sara.write("Signed in")
    work()
    assert len(sara.texts) == 2
    with tenant(site.shop.id):
        assert Customer.objects.count() == 1
        assert Visitor.objects.count() == 1
    sara.token = ""
    said = sara.hello()
    assert (said["messages"], said["visitor"]["spent"]) == ([], True)
    assert sara.write("As nobody").status_code == 409
    assert sara.ask("GET", "/stream").status_code == 409
    sara.token = token("2", name="Omar")
    said = sara.hello()
    assert (said["messages"], said["visitor"]["spent"]) == ([], True)
    assert sara.write("I am Omar").status_code == 202
    work()
    assert sara.texts == [("in", "I am Omar")]


def test_the_stream_tells_what_comes_and_resumes_where_it_was(site: Site, sara: Browser) -> None:
    sara.write("First")
    work()

    async def begin() -> Reader:
        reader = Reader(sara)
        await reader.open()
        [item] = await reader.until("messages")
        assert item["text"] == "First"
        assert (await reader.until("standing"))["state"] == "soon"
        return reader

    reader: Reader = site.run(begin)
    answer(site, "Second", sara)
    with tenant(site.shop.id):
        conversation = Conversation.objects.get().id

    async def go_on() -> None:
        site.hub.hear(Signal("delivery", site.shop.id, site.inbox.id, (conversation,)))
        [item] = await reader.until("messages")
        assert (item["text"], item["way"]) == ("Second", "out")
        site.hub.hear(Signal("delivery", site.shop.id, site.shop.mail.id, (uuid4(),)))
        beat = Beat(site.shop.id, site.inbox.id, conversation, uuid4(), "Leila Haddad", "t", "typing")
        site.hub.beat(beat)
        assert await reader.until("typing") == {"name": "Leila", "on": True}
        await reader.close()

    site.run(go_on)
    with tenant(site.shop.id):
        Message.objects.filter(way="out").update(at=now() + timedelta(minutes=3))
        Delivery.objects.update(ended_at=now() + timedelta(minutes=3))

    async def again() -> None:
        resumed = Reader(sara, last=reader.last)
        await resumed.open()
        assert "Second" in {item["text"] for item in await resumed.until("messages")}
        site.streams.end_all()
        assert await resumed.until("end") == "again"
        await resumed.close()
        late = Reader(sara, last=f"{(now() + timedelta(hours=1)).timestamp():.6f}")
        await late.open()
        await late.until("standing")
        assert "messages" not in late.text
        await late.close()

    site.run(again)


def test_a_stream_of_somebody_new_hears_of_their_first_message(site: Site, sara: Browser) -> None:
    async def begin() -> Reader:
        reader = Reader(sara)
        await reader.open()
        await reader.until("standing")
        return reader

    reader: Reader = site.run(begin)
    sara.write("Hello")
    work()

    async def go_on() -> None:
        site.hub.hear(Signal("message", site.shop.id, site.inbox.id, (uuid4(),), (uuid4(),)))
        [item] = await reader.until("messages")
        assert item["text"] == "Hello"
        await reader.close()

    site.run(go_on)


def test_what_one_visitor_writes_has_nobody_else_looked_for(
    site: Site, sara: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[UUID] = []
    whole = feed.read

    async def read(conn: Any, place: Any, who: Any) -> Any:
        looked.append(who.key)
        return await whole(conn, place, who)

    async def open_all() -> list[Reader]:
        readers = [Reader(each) for each in (sara, *(Browser(site) for _ in range(4)))]
        for reader in readers:
            await reader.open()
            await reader.until("standing")
        return readers

    readers: list[Reader] = site.run(open_all)
    monkeypatch.setattr(feed, "read", read)
    sara.write("Hello")
    work()

    async def go_on() -> None:
        for _ in range(3):
            site.hub.hear(Signal("message", site.shop.id, site.inbox.id, (uuid4(),), (uuid4(),)))
        [item] = await readers[0].until("messages")
        assert item["text"] == "Hello"
        for _ in range(5):
            site.hub.hear(Signal("message", site.shop.id, site.inbox.id, (uuid4(),), (uuid4(),)))
            await asyncio.sleep(0.2)
        for reader in readers:
            await reader.close()

    site.run(go_on)
    assert set(looked) == {browser_key(site.inbox.id, sara.secret)}


def sara_waits(site: Site) -> None:
    """Fourteen conversations of the last days, each answered after eight minutes."""
    for number in range(14):
        began = now() - timedelta(days=2, hours=number)
        customer = Customer(id=uuid7(), workspace_id=site.shop.id, created_at=began)
        customer.root_id = customer.id
        customer.save(force_insert=True)
        talk = Conversation.objects.create(
            workspace_id=site.shop.id, customer=customer, inbox=site.inbox, created_at=began, last_at=began
        )
        for way, at in (("in", began), ("out", began + timedelta(minutes=8))):
            Message.objects.create(
                workspace_id=site.shop.id,
                conversation=talk,
                customer=customer,
                way=way,
                channel="webchat",
                at=at,
            )


def test_it_says_when_an_answer_comes(site: Site, sara: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sara.hello()["standing"] == {"state": "soon"}
    with tenant(site.shop.id):
        sara_waits(site)
    site.streams._standings.clear()
    waits._known.clear()
    assert sara.hello()["standing"] == {"state": "soon", "usual": 600}
    monkeypatch.setattr(site.hub, "attended", lambda *_: True)
    site.streams._standings.clear()
    assert sara.hello()["standing"] == {"state": "live"}
    with tenant(site.shop.id):
        week: list[list[list[int]]] = [[] for _ in range(7)]
        week[(now().weekday() + 2) % 7] = [[540, 1020]]
        calendar = Calendar.objects.create(
            workspace_id=site.shop.id, name="Shop", timezone="Europe/Rome", week=week, is_default=True
        )
        Inbox.objects.filter(id=site.inbox.id).update(calendar=calendar)
    site.streams._standings.clear()
    said = sara.hello()["standing"]
    assert (said["state"], said["zone"]) == ("later", "Europe/Rome")
    opens = datetime.fromisoformat(said["opens"]).astimezone(ZoneInfo("Europe/Rome"))
    assert (opens.hour, opens.minute) == (9, 0)
    assert timedelta(hours=12) < opens - now() < timedelta(days=3)


def test_a_visitor_who_writes_is_seen_to(site: Site, sara: Browser, cluster: Any) -> None:
    assert sara.ask("POST", "/typing", {"on": True}).status_code == 202, (
        "before the first message nobody is told"
    )
    sara.write("Hello")
    work()
    with psycopg.connect(conninfo("app", "test"), autocommit=True) as conn:
        conn.execute(f"LISTEN {PRESENCE}")
        assert sara.ask("POST", "/typing", {"on": True}).status_code == 202
        [heard] = [each.payload for each in conn.notifies(timeout=30, stop_after=1)]
    beat = Beat.read(heard)
    with tenant(site.shop.id):
        assert beat.conversation == Conversation.objects.get().id
    assert (beat.state, beat.name[:8]) == ("typing", "Visitor ")


def test_the_script_is_small_and_says_what_the_inbox_says(site: Site, sara: Browser) -> None:
    plain = site.ask("GET", f"/widget/{site.inbox.id}.js", Accept_Encoding="identity")
    assert plain.headers["content-type"].startswith("text/javascript")
    assert "Bonjour !" in plain.text
    assert str(site.inbox.id) in plain.text
    assert SECRET not in plain.text
    small = gzip.compress(plain.content, 9)
    assert len(small) <= 30_000, "30 kB, as we promise"
    again = site.ask("GET", f"/widget/{site.inbox.id}.js", If_None_Match=plain.headers["etag"])
    assert again.status_code == 304
    assert site.ask("GET", f"/widget/{uuid4()}.js").status_code == 404


def test_inboxes_of_one_workspace_have_visitors_of_their_own(site: Site, sara: Browser) -> None:
    sara.write("Hello")
    work()
    with tenant(site.shop.id):
        second = Inbox.objects.create(
            workspace_id=site.shop.id, channel="webchat", name="Two", address="https://two.example"
        )
        assert Inbound.objects.count() == 1
    said = site.ask(
        "GET", f"/chat/{second.id}", Authorization=f"Bearer {sara.secret}", Origin="https://two.example"
    )
    assert said.json()["messages"] == []
