"""A receiver's connection to the message centre, kept open: what it brings is durable before it is acknowledged.

A deliver_sm has no id. One that was not acknowledged, or so late that the centre no longer waited, comes again with the
same content; so does a customer who says "yes" twice. `heard` tells them apart by what the centre knows of our answers:
an enquire_link that it answers was sent after them, so it has them all.
"""

from __future__ import annotations

import contextlib
import json
import time
from threading import Event

from wasl.channels.base import Reason, TemporaryFailure
from wasl.channels.port import Settings, Slip, Take
from wasl.channels.smpp import pdu
from wasl.channels.smpp.heard import Heard, heard_of
from wasl.channels.smpp.link import Gone, Link, refuse
from wasl.channels.smpp.pdu import Pdu
from wasl.kit.clock import now

LOOK = 1.0
"""Seconds between two looks whether to stop."""
QUIET = 30.0
"""Seconds without a word after which the centre is asked whether it is there."""
PATIENCE = 15.0
SLOW = 5.0
"""Seconds after which a centre may have given up waiting for an answer."""
PROOF = 1.0
"""Seconds at least between two questions whether our answers have come."""
BATCH = 100


def listen(inbox: Settings, take: Take, stop: Event) -> None:
    """Receive until told to stop. Raises Unreached or TemporaryFailure when the connection fails."""
    link, heard = Link(inbox), heard_of(inbox)
    try:
        mode = pdu.BIND_TRANSCEIVER if inbox.text("bind") == "transceiver" else pdu.BIND_RECEIVER
        link.bind(mode, inbox)
        take(())
        _Ear(link, inbox, take, heard).run(stop)
        _take_leave(link, heard)
    except Gone as error:
        link.close(politely=False)
        raise TemporaryFailure("", str(error), reason=Reason.UNREACHABLE) from error
    except BaseException:
        link.close(politely=False)
        raise
    finally:
        heard.connection_ended()


def _take_leave(link: Link, heard: Heard) -> None:
    """End it in order; that the centre answers proves, too, that it has our answers."""
    with contextlib.suppress(Gone):
        heard.asking()
        link.ask(pdu.UNBIND, patience=2.0)
        heard.proven()
    link.close(politely=False)


class _Ear:
    """One connection's listening."""

    def __init__(self, link: Link, inbox: Settings, take: Take, heard: Heard) -> None:
        self._link, self._inbox, self._take, self._heard = link, inbox, take, heard
        self._asked: float | None = None
        self._proof = 0
        """The number of the enquire_link whose answer proves that ours have come; 0 while none is under way."""
        self._proof_at = 0.0

    def run(self, stop: Event) -> None:
        """Raises Gone."""
        heard = time.monotonic()
        while not stop.is_set():
            found = self._link.receive(LOOK)
            if found is None:
                self._ask(heard)
                self._prove()
                continue
            heard, self._asked = time.monotonic(), None
            brought = self._sort(found)
            while len(brought) < BATCH and (more := self._link.receive(0.0)) is not None:
                brought += self._sort(more)
            self._keep(brought)
            self._prove()

    def _prove(self) -> None:
        """Ask the centre something after our answers: when it answers that, it has them. A centre that never does is
        asked again after a while, and its messages stay unproven."""
        at = time.monotonic()
        waits = QUIET if self._proof else PROOF
        if at - self._proof_at >= waits and self._heard.asking():
            self._proof, self._proof_at = self._link.send(pdu.ENQUIRE_LINK), at

    def _ask(self, heard: float) -> None:
        """Whether the centre is still there: a connection can die without a word."""
        if self._asked is not None:
            if time.monotonic() - self._asked > PATIENCE:
                raise Gone("the message centre does not answer any more")
        elif time.monotonic() - heard > QUIET:
            self._asked = time.monotonic()
            self._link.send(pdu.ENQUIRE_LINK)
            self._take(())

    def _sort(self, found: Pdu) -> list[Pdu]:
        """Messages and receipts; all else is answered at once."""
        if found.command in (pdu.DELIVER_SM, pdu.DATA_SM):
            return [found]
        if found.command == pdu.ENQUIRE_LINK | pdu.RESPONSE and found.sequence == self._proof:
            self._proof = 0
            self._heard.proven()
        self._link.attend(found)
        return []

    def _keep(self, brought: list[Pdu]) -> None:
        """Have them stored, then say so; when that fails, the centre is asked to bring them again."""
        if not brought:
            return
        began = time.monotonic()
        try:
            self._take([self._slip(each) for each in brought])
        except BaseException:
            for each in brought:
                said = refuse(each)
                if said is not None:
                    self._link.answer(said)
            raise
        if time.monotonic() - began > SLOW:
            self._heard.answered_slowly([each.body for each in brought])
        for each in brought:
            self._link.answer(each.answer(pdu.text("")))

    def _slip(self, each: Pdu) -> Slip:
        at = now()
        about = {
            "pdu": each.body.hex(),
            "at": at.isoformat(),
            "data": each.command == pdu.DATA_SM,
            "region": self._inbox.text("country").upper()[:2],
            "letters": self._inbox.text("letters").lower(),
            "ids": self._inbox.text("ids").lower(),
        }
        content = json.dumps(about, separators=(",", ":"), sort_keys=True).encode()
        return Slip(self._heard.key(each.body, at), content)
