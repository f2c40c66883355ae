"""A telephone provider for tests: it rings, follows our TwiML, and tells us what happened, signed.

Its people are scripts: an agent who answers and presses 1, who answers and presses nothing, whose line is busy or who
does not answer; a caller who agrees to be recorded, hangs up, or leaves a message. What the API is asked comes over
real HTTP. Source: Twilio, "TwiML for Programmable Voice", "Call
resource".
"""

import asyncio
import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.api.client import Line
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.secret import seal
from wasl.channels.sms.hook import sign
from wasl.doors import desk, voice
from wasl.doors.front import HANDLERS, Gate
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

ACCOUNT, TOKEN, NUMBER = "AC1", "t0ken", "+390600000000"
SOUND = b"ID3 a voice"


@dataclass
class Caller:
    """Who rings us up: what they do when asked, and on the answering machine (seconds; 0 hangs up)."""

    number: str = "+393331112222"
    agrees: bool = False
    message: int = 0
    patience: bool = True


@dataclass
class Heard:
    """What a call was: everything that was said, whom it rang, and the addresses we were asked at."""

    sid: str
    said: list[str] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    recorded: bool = False


Answers = Mapping[str, str]
"""By telephone: takes, ignores (answers and presses nothing), busy, no-answer."""


class Provider:
    """The provider, with one inbox of ours."""

    def __init__(self, shop: Shop, **config: str) -> None:
        self.shop = shop
        self.api = _Api(self)
        with tenant(shop.id):
            self.inbox = Inbox(
                id=uuid7(), workspace_id=shop.id, channel="voice", name="Telephone", address=NUMBER,
                config={"account_sid": ACCOUNT, "base_url": self.api.base, "business": "Dar & Zaytun", **config},
            )  # fmt: skip
            self.inbox.secret = seal(shop.id, self.inbox.id, json.dumps({"auth_token": TOKEN}))
            self.inbox.save(force_insert=True)
        gate = Gate(["testserver"], 4_000_000, 5.0)
        self.app = Starlette(
            routes=voice.routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS
        )
        self.runner = asyncio.Runner()
        self.prices: dict[str, str | None] = {}
        self.placed: list[dict[str, str]] = []
        self.refuses = 0
        self._number = 0

    def new(self) -> str:
        """An id."""
        self._number += 1
        return f"CA{self._number:032x}"

    def ask(self, url: str, form: Mapping[str, str], token: str = TOKEN) -> httpx.Response:
        """Ask us, signed, at an address that we gave out."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        public = self.public + path
        body = urlencode(form)
        signature = sign(token, public, parse_qsl(body, keep_blank_values=True))
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Line(self.app, 1), base_url="http://testserver") as client:
                return await client.post(path, content=body, headers=headers)

        return self.runner.run(go())

    @property
    def public(self) -> str:
        """Where our installation says it is."""
        from django.conf import settings

        return str(settings.ENV.public_url).rstrip("/")

    def tell(self, url: str, form: Mapping[str, str]) -> None:
        """A webhook whose answer says nothing."""
        assert self.ask(url, form).status_code == 200

    def ring(self, caller: Caller | None = None, answers: Answers | None = None) -> Heard:
        """Somebody rings us up; the call to its end."""
        caller = caller or Caller()
        call = _Call(self, Heard(self.new()), caller, answers or {})
        call.run(f"{self.public}/hooks/voice/{self.inbox.id}")
        return call.heard

    def connect(self, form: Mapping[str, str], agent: str = "takes", customer: str = "takes") -> str:
        """What became of a call that we placed: the agent picks up or not, then the customer."""
        sid = form["sid"]
        about = {"CallSid": sid, "From": form["From"], "To": form["To"], "Direction": "outbound-api"}
        heard = Heard(sid)
        if agent == "takes":
            call = _Call(self, heard, Caller(form["To"]), {"*": customer}, about)
            call.go(form["Url"], {"CallStatus": "in-progress"})
            state = "completed"
        else:
            state = agent
        self.tell(
            form["StatusCallback"], {**about, "CallStatus": state, "Timestamp": stamp(), "CallDuration": "42"}
        )
        return state

    def close(self) -> None:
        self.runner.run(desk.close())
        self.runner.close()
        self.api.close()


def stamp() -> str:
    """RFC 2822."""
    return format_datetime(now())


class _Call:
    """One call: follows documents until they end."""

    def __init__(
        self,
        provider: Provider,
        heard: Heard,
        caller: Caller,
        answers: Answers,
        about: dict[str, str] | None = None,
    ) -> None:
        self.provider, self.heard, self.caller, self.answers = provider, heard, caller, answers
        self.about = about or {
            "CallSid": heard.sid, "AccountSid": ACCOUNT, "From": caller.number, "To": NUMBER, "Direction": "inbound",
        }  # fmt: skip

    def run(self, url: str) -> None:
        self.go(url, {"CallStatus": "ringing"})
        ended = {**self.about, "CallStatus": "completed", "CallDuration": "61", "Timestamp": stamp()}
        self.provider.tell(url, ended)

    def go(self, url: str, more: dict[str, str]) -> None:
        """Ask, and do what we are told."""
        answer = self.provider.ask(url, {**self.about, **more})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/xml")
        self.heard.steps.append(urlsplit(url).path.rpartition("/")[2])
        for verb in ElementTree.fromstring(answer.content):
            if self.verb(verb):
                return

    def verb(self, verb: ElementTree.Element) -> bool:
        """Do one; whether the document is left."""
        match verb.tag:
            case "Say":
                assert verb.get("language")
                self.heard.said.append(verb.text or "")
            case "Hangup":
                return True
            case "Redirect":
                self.go(verb.text or "", {})
                return True
            case "Gather":
                self.heard.said += [say.text or "" for say in verb]
                if not self.caller.patience:
                    return True
                if self.caller.agrees:
                    self.go(verb.attrib["action"], {"Digits": "1"})
                    return True
            case "Record":
                self.record(verb)
                return True
            case "Dial":
                self.dial(verb)
                return True
            case other:
                raise AssertionError(other)
        return False

    def record(self, verb: ElementTree.Element) -> None:
        if not self.caller.message:
            return
        url = f"{self.provider.api.base}/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1"
        kept = {"RecordingUrl": url, "RecordingDuration": str(self.caller.message), "RecordingSid": "RE1"}
        self.go(verb.attrib["action"], {**kept, "Digits": "hangup"})
        self.provider.tell(
            verb.attrib["recordingStatusCallback"],
            {"CallSid": self.heard.sid, **kept, "RecordingStatus": "completed"},
        )

    def dial(self, verb: ElementTree.Element) -> None:
        state, leg = "no-answer", ""
        for end in verb:
            assert end.tag in ("Number", "Sip")
            to = (end.text or "").strip()
            self.heard.rung.append(to)
            answer = self.answers.get(to, self.answers.get("*", "no-answer"))
            leg = self.provider.new()
            if answer in ("takes", "ignores"):
                if "url" not in end.attrib or self.screened(end.attrib["url"], to, leg, answer):
                    state = "completed"
                    break
            else:
                state = answer
        result = {"DialCallStatus": state, "DialCallSid": leg}
        if state == "completed":
            result |= {"DialCallDuration": "35", "DialBridged": "true"}
        if state == "completed" and verb.get("record"):
            self.heard.recorded = True
            url = f"{self.provider.api.base}/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE2"
            kept = {
                "CallSid": self.heard.sid,
                "RecordingUrl": url,
                "RecordingDuration": "35",
                "RecordingStatus": "completed",
            }
            self.provider.tell(verb.attrib["recordingStatusCallback"], kept)
        self.go(verb.attrib["action"], result)

    def screened(self, url: str, to: str, leg: str, answer: str) -> bool:
        """The agent hears our document before they are connected."""
        about = {
            "CallSid": leg,
            "ParentCallSid": self.heard.sid,
            "From": NUMBER,
            "To": to,
            "Direction": "outbound-dial",
        }
        document = ElementTree.fromstring(self.provider.ask(url, about).content)
        gather = document.find("Gather")
        assert gather is not None
        assert document[-1].tag == "Hangup"
        if answer == "ignores":
            return False
        pressed = self.provider.ask(gather.attrib["action"], {**about, "Digits": "1"})
        return len(ElementTree.fromstring(pressed.content)) == 0


class _Api:
    """What we ask the provider over HTTP."""

    def __init__(self, provider: Provider) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider})
        )
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *args: Any) -> None:
        """Silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if not self.allowed():
            self.answer(401, {"code": 20003})
        elif self.provider.refuses:
            self.answer(self.provider.refuses, {"code": 21211, "message": "Invalid 'To' Phone Number"})
        else:
            form["sid"] = self.provider.new()
            self.provider.placed.append(form)
            self.answer(201, {"sid": form["sid"], "status": "queued"})

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not self.allowed():
            self.answer(401, {"code": 20003})
        elif path.endswith(".mp3"):
            self.reply(200, SOUND, "audio/mpeg")
        elif path.endswith("/Calls.json"):
            parent = parse_qs(query)["ParentCallSid"][0]
            price = self.provider.prices.get(f"{parent}/leg", "-0.013")
            self.answer(200, {"calls": [{"price": price, "price_unit": "USD"}]})
        else:
            sid = path.rpartition("/")[2].removesuffix(".json")
            self.answer(200, {"price": self.provider.prices.get(sid), "price_unit": "USD"})

    def allowed(self) -> bool:
        pair = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {pair}"

    def answer(self, status: int, said: Any) -> None:
        self.reply(status, json.dumps(said).encode(), "application/json")

    def reply(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
