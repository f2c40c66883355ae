"""Letters: addresses, the PDF and what stands where, the print provider's folder and API, and its receipts."""

import base64
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.channels.pdf_text import Run, runs
from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unparseable, Unreached
from wasl.channels.port import Nothing, OutboundChat, Report, Request, Settings
from wasl.channels.post import send, watch
from wasl.channels.post.address import BadAddress, Postal, countries, postal, read
from wasl.channels.post.fonts import NoFont, faces
from wasl.channels.post.hook import Hook
from wasl.channels.post.letter import WINDOWS, CannotPrint, Letter, compose, window
from wasl.channels.post.parse import parse
from wasl.kit import clock

SAMPLES = Path(__file__).parent / "samples" / "post"
FOLDER = "a" * 24
JOB = "01a204de-e1e6-7f4b-81a5-0c6945ce9905"
SENDER = postal("Dar Zaytun\n12 place Bellecour\n69002 Lyon", "FR")
NADIA = postal("السيدة نادية حداد\n5 زنقة ابن منير\n20330 الدار البيضاء", "ma")
DAY = datetime(2026, 3, 14, tzinfo=UTC)

try:
    FACES = faces("/usr/share/fonts:/usr/local/share/fonts")
except NoFont:
    if os.environ.get("CI"):
        raise
    pytest.skip("fonts are needed: apt-get install fonts-noto-core", allow_module_level=True)


def test_an_address_is_put_in_order() -> None:
    found = postal("  Camille   Moreau,\r\n\n12 rue Mercière \u200f\n69002 Lyon\nFrance\n", "fr")
    assert found == Postal(("Camille Moreau", "12 rue Mercière", "69002 Lyon"), "FR")
    assert read(found.key) == found
    assert found.printed("FR") == found.lines
    assert found.printed("IT")[-1] == "FRANCIA"
    assert postal("A\nB\nالمغرب", "MA").lines == ("A", "B")
    assert ("MA", "Maroc") in countries("fr")


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("Camille Moreau", "FR", "too_short"),
        ("A\nB\nC\nD\nE\nF", "FR", "too_many_lines"),
        ("A\n" + "b" * 61, "FR", "too_long"),
        ("A\nB", "EU", "country"),
        ("A\nB", "", "country"),
    ],
)
def test_what_cannot_stand_on_an_envelope_says_why(text: str, country: str, reason: str) -> None:
    with pytest.raises(BadAddress) as error:
        postal(text, country)
    assert error.value.reason == reason


def written(**said: Any) -> tuple[list[Run], int]:
    values = {"to": NADIA, "sender": SENDER, "text": "Hello", "language": "en", "date": DAY, **said}
    pdf, pages = compose(Letter(**values), FACES)
    assert pdf.startswith(b"%PDF-")
    assert b"/FontFile2" in pdf, "fonts are embedded"
    return runs(pdf), pages


@pytest.mark.parametrize("name", list(WINDOWS))
def test_the_address_stands_in_the_window_and_nothing_else_does(name: str) -> None:
    place = WINDOWS[name]
    to = postal("Mr Tom Weaver\nThe Old Mill House\n4 Mill Lane\nOXFORD OX1 3BQ", "GB")
    found, _pages = written(to=to, window=place, text="Dear Mr Weaver,\n\nyour kettle is ready.")
    inside = [
        run
        for run in found
        if place.y <= run.y <= place.y + place.height and place.x <= run.x <= place.x + place.width
    ]
    said = [run.text for run in inside]
    back = ["Dar Zaytun · 12 place Bellecour · 69002 Lyon"] if place.back else []
    assert said == [*back, *to.lines, "ROYAUME-UNI"]
    text = next(run for run in found if run.text.startswith("your kettle"))
    assert text.y > place.y + place.height + 5
    assert "14 March 2026" in [run.text for run in found]


def test_long_lines_become_smaller_rather_than_leave_the_window() -> None:
    long = "Société coopérative des oléiculteurs de la vallée du Rhône"
    found, _pages = written(to=postal(f"{long}\nLyon", "FR"), window=WINDOWS["it"])
    line = next(run for run in found if run.text == long)
    assert 5 <= line.size < 11


def test_arabic_is_joined_and_runs_from_the_right_with_its_numbers_and_names_as_they_are() -> None:
    text = "طلبكم رقم DZ-20377 جاهز في Lyon يوم 14/03/2026."
    found, _pages = written(text=text, language="ar", window=WINDOWS["fr"])
    line = sorted((run for run in found if run.y > 95 and run.x < 195), key=lambda run: (round(run.y), run.x))
    words = "".join(run.text for run in line if run.y > 105)
    assert "DZ-20377" in words
    assert "14/03/2026" in words
    assert words.index("14/03/2026") < words.index("Lyon") < words.index("DZ-20377"), "from the right"
    arabic = "".join(run.text for run in line)
    assert "مكبلط" in arabic, "on paper its last letter stands first"
    forms: dict[str, set[int]] = {}
    for run in found:
        for letter, glyph in zip(run.text, run.glyphs, strict=False):
            if "\u0620" <= letter <= "\u064a":
                forms.setdefault(letter, set()).add(glyph)
    assert max(len(each) for each in forms.values()) >= 2, "letters have the shapes of where they stand"
    assert min(run.x for run in line if run.y > 105) > 60, "it ends at the left, not begins"
    window_lines = [run for run in found if 55 <= run.y <= 79]
    assert min(run.x for run in window_lines) > 105


def test_several_pages_are_numbered_and_too_many_refused() -> None:
    found, pages = written(text="Line\n" * 60)
    assert pages == 2
    assert {run.text for run in found if run.y > 275} == {"1 / 2", "2 / 2"}
    assert not [run for run in written()[0] if run.y > 275]
    with pytest.raises(CannotPrint, match="too_long"):
        written(text="Line\n" * 600)


def test_what_no_font_has_is_named_instead_of_left_blank() -> None:
    with pytest.raises(CannotPrint) as error:
        written(text="Thank you \U0001f600 so much")
    assert (error.value.reason, error.value.detail) == ("letters", "\U0001f600")


def test_the_same_letter_is_the_same_bytes() -> None:
    letter = Letter(to=NADIA, sender=SENDER, text="مرحبا", language="ar", date=DAY)
    assert compose(letter, FACES) == compose(letter, FACES)


def test_a_window_can_be_moved_within_reason() -> None:
    assert window("fr", "100; 50 80,30").x == 100
    for wrong in ("1 2 3", "150 50 80 30", "a b c d", "20 140 80 40"):
        with pytest.raises(ValueError, match=r".+"):
            window("fr", wrong)
    with pytest.raises(ValueError, match="called"):
        window("us")


def inbox(**config: str) -> Settings:
    said = {"country": "FR", "layout": "fr", **config}
    secrets = {"folder": FOLDER, "hook_secret": "secret", "api_key": "key"}
    return Settings("Dar Zaytun; 12 place Bellecour; 69002 Lyon", said, secrets, private=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from dataclasses import replace

    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, print_dir=str(tmp_path)))
    return tmp_path / FOLDER


def chat(**said: Any) -> OutboundChat:
    return OutboundChat(**{"delivery": JOB, "to": NADIA.key, "text": "مرحبا", "language": "ar", **said})


def test_a_letter_lies_in_the_folder_whole_and_once(place: Path) -> None:
    line = send.Line(inbox())
    assert line.send(chat()).provider_ref == JOB
    job = json.loads((place / "jobs" / f"{JOB}.json").read_text())
    assert job["address"] == {"lines": list(NADIA.lines), "country": "MA"}
    assert (job["pages"], job["file"], job["window"]) == (1, f"{JOB}.pdf", "fr")
    first = (place / "jobs" / f"{JOB}.pdf").stat().st_mtime_ns
    line.send(chat())
    assert (place / "jobs" / f"{JOB}.pdf").stat().st_mtime_ns == first
    assert sorted(path.name for path in (place / "jobs").iterdir()) == [f"{JOB}.json", f"{JOB}.pdf"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"to": "nowhere"}, Reason.ADDRESS_UNKNOWN),
        ({"text": "x\n" * 900}, Reason.TOO_LARGE),
        ({"text": "\U0001f600"}, Reason.BAD_MESSAGE),
        ({"delivery": "../x"}, Reason.BAD_MESSAGE),
    ],
)
def test_what_can_never_be_a_letter_ends_at_once(place: Path, said: dict[str, str], reason: Reason) -> None:
    with pytest.raises(PermanentFailure) as error:
        send.Line(inbox()).send(chat(**said))
    assert error.value.reason is reason
    assert not (place / "jobs").exists()


def test_settings_at_fault_use_up_no_try(place: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreached):
        send.Line(inbox(layout="us")).send(chat())
    with pytest.raises(Unreached):
        send.Line(Settings("x", {}, {"folder": "../../etc"}))
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(Unreached):
        send.Line(inbox()).send(chat())


def test_receipts_are_fetched_from_the_folder_and_kept_aside(place: Path) -> None:
    receipts = place / "receipts"
    receipts.mkdir(parents=True)
    for path in SAMPLES.iterdir():
        (receipts / path.name).write_bytes(path.read_bytes())
    (receipts / "torn.json").write_text('{"id": ')
    stop, taken = threading.Event(), []

    def take(slips: Any) -> None:
        taken.extend(slips)
        stop.set()

    watch.listen(inbox(), take, stop)
    assert sorted(path.name for path in (receipts / "taken").iterdir()) == [
        "posted.json",
        "returned.json",
        "torn.json",
    ]
    assert len({slip.key for slip in taken}) == 4
    reports = []
    for slip in taken:
        try:
            reports.append(parse(slip.content))
        except Unparseable:
            reports.append(Nothing("torn"))
    said = [(each.kind, each.code, each.delivery) for each in reports if isinstance(each, Report)]
    assert said == [("sent", "posted", JOB), ("sent", "printed", JOB), ("failed", "returned", JOB)]


def test_letters_that_the_provider_moves_say_what_became_of_them(place: Path) -> None:
    """Into `sent`, or into `rejected` with the reason; what is no letter of ours, or half there, is left alone."""
    other, third = JOB[:-1] + "b", JOB[:-1] + "c"
    line = send.Line(inbox())
    for job in (JOB, other):
        line.send(chat(delivery=job))
    for name in ("sent", "rejected"):
        (place / name).mkdir()
    for ending in ("pdf", "json"):
        (place / "jobs" / f"{JOB}.{ending}").replace(place / "sent" / f"{JOB}.{ending}")
    (place / "jobs" / f"{other}.pdf").replace(place / "rejected" / f"{other}.pdf")
    (place / "rejected" / f"{other}.txt").write_text("No such street\n")
    (place / "rejected" / f"{third}.txt").write_text("its letter is not here yet")
    (place / "sent" / f".{third}.pdf").write_bytes(b"half")
    (place / "sent" / "readme.txt").write_text("not ours")
    stop, taken = threading.Event(), []

    def take(slips: Any) -> None:
        taken.extend(slips)
        stop.set()

    watch.listen(inbox(), take, stop)
    reports = [parse(slip.content) for slip in taken]
    said = [(r.kind, r.code, r.delivery, r.detail) for r in reports if isinstance(r, Report)]
    assert said == [("sent", "posted", JOB, "posted"), ("failed", "refused", other, "No such street")]
    left = {path.name for name in ("sent", "rejected") for path in (place / name).iterdir()}
    assert left == {"taken", "readme.txt", f".{third}.pdf", f"{third}.txt"}
    stop.clear()
    watch.listen(inbox(), take, stop)
    assert len(taken) == 2, "what was read is not told again"
    line.send(chat())
    assert not (place / "jobs" / f"{JOB}.json").exists(), "what has gone is not printed again"
    line.send(chat(delivery=other))
    assert (place / "jobs" / f"{other}.json").exists(), "what was refused may be handed over again"


def test_receipts_that_could_not_be_stored_stay(place: Path) -> None:
    receipts = place / "receipts"
    receipts.mkdir(parents=True)
    (receipts / "a.json").write_bytes((SAMPLES / "posted.json").read_bytes())

    def take(_slips: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        watch.listen(inbox(), take, threading.Event())
    assert (receipts / "a.json").exists()


def test_a_receipt_in_full() -> None:
    report = parse((SAMPLES / "posted.json").read_bytes())
    assert isinstance(report, Report)
    assert (report.ref, report.detail) == ("PP-7781", "Tray 12, Lyon")
    assert report.at == datetime(2026, 3, 14, 15, 20, tzinfo=UTC)
    assert parse(json.dumps({"id": JOB, "state": "weighed", "at": "2026-03-14"}).encode()) == Nothing(
        "state weighed"
    )
    for wrong in (b"[]", b"{}", b'{"id": "x", "state": "posted"}', b"\xff"):
        with pytest.raises(Unparseable):
            parse(wrong)


def signed(body: bytes, secret: bytes = b"secret", at: int | None = None) -> Request:
    stamp = str(int(clock.now().timestamp()) if at is None else at)
    mac = hmac.digest(secret, f"msg_1.{stamp}.".encode() + body, hashlib.sha256)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,AAAA v1,{base64.b64encode(mac).decode()}",
    }
    return Request("POST", "https://wasl.example/hooks/post/x", {}, headers, body)


def test_a_webhook_is_believed_by_its_signature_only() -> None:
    hook, body = Hook(), (SAMPLES / "returned.json").read_bytes()
    assert hook.genuine(signed(body), inbox())
    assert len(hook.split(signed(body))) == 2
    assert [s.key for s in hook.split(signed(body))] == [s.key for s in hook.split(signed(body))]
    refused = [
        signed(body, b"other"),
        signed(body, at=int(clock.now().timestamp()) - 400),
        Request("POST", "", {}, {**signed(body).headers, "webhook-id": "msg_2"}, body),
        Request("POST", "", {}, {}, body),
    ]
    assert not any(hook.genuine(each, inbox()) for each in refused)
    assert not hook.genuine(signed(body, b""), Settings("x", {}, {}))
    whsec = Settings("x", {}, {"hook_secret": "whsec_" + base64.b64encode(b"secret").decode()})
    assert hook.genuine(signed(body), whsec)
    assert hook.challenge(signed(b""), inbox()) is None
    for wrong in (b"[1]", b"nonsense", b'{"receipts": [1]}'):
        with pytest.raises(ValueError, match=r".+"):
            hook.split(signed(wrong))


class Provider(ThreadingHTTPServer):
    """A print provider that answers as it is told."""

    status, answer = 201, b'{"id": "PP-1"}'
    asked: list[tuple[str, dict[str, str], bytes]]


@pytest.fixture
def provider() -> Iterator[Provider]:
    class Answer(BaseHTTPRequestHandler):
        server: Provider

        def _say(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.end_headers()
            self.wfile.write(self.server.answer)

        do_POST = do_GET = _say  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with Provider(("127.0.0.1", 0), Answer) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_letter_by_api(provider: Provider) -> None:
    line = send.Line(inbox(base_url=f"http://127.0.0.1:{provider.server_port}/v1/"))
    assert line.send(chat()).provider_ref == "PP-1"
    path, headers, body = provider.asked[0]
    assert (path, headers["idempotency-key"]) == ("/v1/letters", JOB)
    assert headers["authorization"] == "Bearer key"
    assert b'name="job"' in body
    assert b"%PDF-" in body
    provider.status, provider.answer = 409, b"{}"
    assert line.send(chat()).provider_ref == JOB, "it has the letter already"
    for status, answer, wanted in (
        (401, b"{}", Unreached),
        (429, b"", TemporaryFailure),
        (422, b'{"reason": "address"}', PermanentFailure),
        (400, b"{}", PermanentFailure),
        (500, b"", InDoubt),
    ):
        provider.status, provider.answer = status, answer
        with pytest.raises(wanted):
            line.send(chat())


def test_a_try_says_what_is_wrong(place: Path, provider: Provider) -> None:
    assert all(step.fine for step in send.probe(inbox()))
    assert all(step.fine for step in send.probe(inbox(base_url=f"http://127.0.0.1:{provider.server_port}")))
    provider.status = 403
    tried = list(
        send.probe(inbox(base_url=f"http://127.0.0.1:{provider.server_port}", layout="us", country=""))
    )
    assert [step.fine for step in tried] == [False, False, True, True, False]
    for provider.status in (404, 500):  # something answers, but that is no sign that the key is good
        *_, last = send.probe(inbox(base_url=f"http://127.0.0.1:{provider.server_port}"))
        assert (last.fine, last.detail) == (False, f"HTTP {provider.status}")
    assert all(step.advice for step in tried if not step.fine)
