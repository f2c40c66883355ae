"""Files that a provider holds become attachments of their message, whatever the provider says first."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest

from tests.inbound import take
from tests.worlds import Shop
from wasl.channels import provider as calls
from wasl.channels.models import Inbox
from wasl.channels.port import Channel, Fetched, Request, Settings
from wasl.channels.secret import seal_all
from wasl.channels.whatsapp.hook import Hook
from wasl.channels.whatsapp.parse import parse
from wasl.conversations import fetching
from wasl.conversations.models import Attachment, Fetching, Message
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import as_tenant, pool, tenant
from wasl.kit.ids import uuid7
from wasl.workspace.shapes.chats import about

Owner = psycopg.Connection[Any]
PICTURE = b"\xff\xd8\xff a picture of tiles"


@dataclass
class Provider:
    """Holds one file under the id `m1`; `refusals` are given first."""

    port: int = 0
    refusals: list[tuple[int, Any]] = field(default_factory=list)
    asked: int = 0


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            status, body = 200, PICTURE
            if self.path.endswith("/m1"):
                place = {"url": f"http://127.0.0.1:{made.port}/bytes", "mime_type": "image/jpeg"}
                status, said = made.refusals.pop(0) if made.refusals else (200, place)
                body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def inbox(shop: Shop, provider: Provider) -> Inbox:
    with tenant(shop.id):
        made = Inbox(id=uuid7(), workspace_id=shop.id, channel="whatsapp", name="WhatsApp", address="111")
        made.config = {"base_url": f"http://127.0.0.1:{provider.port}", "version": "v1"}
        made.secret = seal_all(
            shop.id, made.id, {"access_token": "t", "app_secret": "s", "verify_token": "v"}
        )
        made.save(force_insert=True)
    return made


def picture(shop: Shop, inbox: Inbox) -> Message:
    """A customer sends a picture; the message it makes."""
    message = {
        "id": "wamid.1", "from": "393331112222", "timestamp": "1760000000", "type": "image",
        "image": {"id": "m1", "mime_type": "image/jpeg", "caption": "La piastrella"},
    }  # fmt: skip
    value = {
        "metadata": {"phone_number_id": "111"}, "messages": [message],
        "contacts": [{"profile": {"name": "Giulia"}, "wa_id": "393331112222"}],
    }  # fmt: skip
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "9", "changes": [{"field": "messages", "value": value}]}],
    }
    request = Request("POST", "https://wasl.example/hooks", {}, {}, json.dumps(body).encode())
    (slip,) = Hook().split(request)
    (id_,) = take(shop, slip.content, inbox=inbox)
    with tenant(shop.id):
        return Message.objects.get(id=id_)


def turn(fetcher: fetching.Fetcher) -> None:
    """Turns until nothing is under way."""
    while fetcher.step() == 0.0:
        pass


def make_due(owner: Owner) -> None:
    owner.execute("UPDATE conversations_fetching SET due_at = now() - interval '1 second'")


def attachments(shop: Shop, message: Message) -> list[Attachment]:
    with tenant(shop.id):
        return list(Attachment.objects.filter(message=message))


def media(shop: Shop, message: Message) -> dict[str, Any]:
    with tenant(shop.id):
        found: dict[str, Any] = Message.objects.get(id=message.id).meta["media"][0]
    return found


def test_a_picture_becomes_an_attachment(shop: Shop, inbox: Inbox, provider: Provider, owner: Owner) -> None:
    """Sent at 08:53:20 UTC without a name, it is called after the time in Rome."""
    owner.execute("UPDATE accounts_workspace SET timezone = 'Europe/Rome' WHERE id = %s", [shop.id])
    message = picture(shop, inbox)
    assert "done" not in media(shop, message)
    turn(fetching.Fetcher())
    (file,) = attachments(shop, message)
    assert (file.content_type, file.size, bytes(file.digest)) == (
        "image/jpeg", len(PICTURE), hashlib.sha256(PICTURE).digest(),
    )  # fmt: skip
    assert blobs.read(shop.id, bytes(file.digest)) == PICTURE
    assert media(shop, message)["done"]
    assert file.filename == media(shop, message)["name"] == "image-20251009-105320.jpg"
    words = owner.execute(
        "SELECT words::text FROM conversations_searchable WHERE id = %s", [message.id]
    ).fetchone()
    assert words is not None
    assert "'h/file'" in words[0], "whoever looks for messages with a file finds this one"
    with tenant(shop.id):
        assert not Fetching.objects.exists()


def test_what_may_pass_is_tried_again(shop: Shop, inbox: Inbox, provider: Provider, owner: Owner) -> None:
    provider.refusals = [(500, {"error": {"code": 131000, "message": "later"}})]
    message = picture(shop, inbox)
    fetcher = fetching.Fetcher()
    turn(fetcher)
    assert attachments(shop, message) == []
    with tenant(shop.id):
        waiting = Fetching.objects.get()
    assert (waiting.tries, waiting.due_at > now() + timedelta(seconds=1)) == (1, True)
    make_due(owner)
    turn(fetcher)
    assert len(attachments(shop, message)) == 1


def test_what_is_gone_is_said_and_not_asked_for_again(
    shop: Shop, inbox: Inbox, provider: Provider, owner: Owner
) -> None:
    provider.refusals = [(400, {"error": {"code": 131052, "message": "download error"}})]
    message = picture(shop, inbox)
    fetcher = fetching.Fetcher()
    turn(fetcher)
    said = media(shop, message)
    assert (said["why"], attachments(shop, message)) == ("bad_message", [])
    make_due(owner)
    turn(fetcher)
    assert provider.asked == 1


def test_what_a_provider_says_stops_no_other_file(shop: Shop, inbox: Inbox, provider: Provider) -> None:
    provider.refusals = [(400, {"error": {"code": 131052, "message": "gone \0 \ud83d"}})]
    message = picture(shop, inbox)
    turn(fetching.Fetcher())
    assert media(shop, message)["detail"] == "131052 gone  ?"


def test_a_file_on_which_workers_die_is_left_alone(
    shop: Shop, inbox: Inbox, provider: Provider, owner: Owner
) -> None:
    message = picture(shop, inbox)
    for _ in range(fetching.TRIES):
        make_due(owner)
        with pool("queue", "test", 8).connection() as conn:
            assert len(fetching.take(conn, 1)) == 1
    make_due(owner)
    turn(fetching.Fetcher())
    assert (provider.asked, media(shop, message)["why"]) == (0, "other")


def test_what_is_too_large_or_no_picture_is_refused_with_the_reason(
    shop: Shop, inbox: Inbox, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = picture(shop, inbox)
    monkeypatch.setattr(calls, "FILE", len(PICTURE))
    turn(fetching.Fetcher())
    assert (media(shop, message)["why"], attachments(shop, message)) == ("too_large", [])
    (line,) = [each.text for each in about({"media": [media(shop, message)]})]
    assert "is too large to be kept" in line
    monkeypatch.undo()
    job = fetching.Job(
        shop.id, uuid7(), message.id, 0, 1, 1, "fake", Settings("", {}), {"ref": {}, "type": "image/jpeg"}
    )
    page = Channel(
        name="fake",
        label="",
        icon="",
        parse=parse,
        fetch=lambda *_: Fetched(b"\n<!DOCTYPE html>", "image/jpeg"),
    )
    monkeypatch.setattr(fetching, "channels", lambda: {"fake": page})
    assert fetching.fetch(job).why == "wrong_type"


def test_a_worker_that_lost_its_lease_changes_nothing(
    shop: Shop, inbox: Inbox, provider: Provider, owner: Owner
) -> None:
    message = picture(shop, inbox)
    with pool("queue", "test", 8).connection() as conn:
        (lost,) = fetching.take(conn, 1)
    make_due(owner)
    turn(fetching.Fetcher())
    with pool("queue", "test", 8).connection() as conn, as_tenant(conn, shop.id):
        fetching.record(conn, fetching.fetch(lost))
    assert len(attachments(shop, message)) == 1


def test_the_tries_end(shop: Shop, inbox: Inbox, provider: Provider, owner: Owner) -> None:
    provider.refusals = [(500, {"error": {"code": 131000, "message": "later"}})] * fetching.TRIES
    message = picture(shop, inbox)
    fetcher = fetching.Fetcher()
    for _ in range(fetching.TRIES):
        make_due(owner)
        turn(fetcher)
    assert media(shop, message)["why"] == "not_now"
    with tenant(shop.id):
        assert not Fetching.objects.exists()
