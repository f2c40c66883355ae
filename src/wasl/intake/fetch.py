"""One visit to an outside mailbox: sign in, fetch what is new, and stay for as long as the server tells of more.

Each message is stored, durably, before the mailbox's row moves past it; a second copy is refused by what makes two
mails the same. So a visit may end at any moment and another take over: at least once, and then once.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from socket import SHUT_RDWR, socket
from typing import Any

from django.conf import settings
from psycopg_pool import PoolTimeout

from wasl.channels.email import imap, oauth
from wasl.channels.email.imap import Brief, Session
from wasl.channels.email.outside import Imap, Opening
from wasl.channels.email.trouble import Fault, Step, Trouble
from wasl.channels.secret import MAILBOX, Unreadable, unseal
from wasl.intake import mailboxes, parcel
from wasl.intake.mailboxes import Held
from wasl.intake.parcel import Place
from wasl.intake.store import Raw
from wasl.kit.db import AWAY, Connection, pool

log = logging.getLogger(__name__)

TOGETHER = 50
TOGETHER_BYTES = 4 * 1024 * 1024
LARGE = 1024 * 1024
"""Bytes from which a message is fetched by the piece, to disk."""

AT_ONCE = 200
IDLE = 60.0
"""Seconds after which a mailbox is looked into although its server told of nothing."""
FIRST = 1.0
"""The same after there was news, twice as long from look to look: what arrives between a look and the moment at which
the server begins to watch (IDLE), some servers, Dovecot among them, tell of only with the next change."""

STEP = 120.0
"""Seconds one exchange with a server may take before it is ended from outside."""

CAREFUL = 3
"""Times a message could not be had before its header alone is tried."""
HOPELESS = 10

SLACK = timedelta(minutes=10)
"""By so much may a server's clock be behind ours."""


class Visit:
    """One held mailbox, in a thread of its own. `abort` may be called from another."""

    def __init__(self, held: Held, crowded: Callable[[], bool]) -> None:
        self.held = held
        self._crowded = crowded
        self._beat = time.monotonic()
        self._socket: socket | None = None
        self._session: Session | None = None
        self._ending = False
        self._overdue = False
        self._last_uid = held.last_uid
        self._highest_uid = held.highest_uid
        self._uidvalidity = held.uidvalidity
        self._at_uid = 0
        self._singly = TOGETHER if held.stuck_uid else 0

    @property
    def late(self) -> bool:
        """Whether the server has kept this visit waiting for too long."""
        return not self._overdue and time.monotonic() - self._beat > STEP

    def abort(self, *, overdue: bool = False) -> None:
        """End the visit: whatever it waits for fails."""
        self._overdue = self._overdue or overdue
        self._ending = self._ending or not overdue
        if session := self._session:
            session.abort()
        elif held := self._socket:
            with contextlib.suppress(OSError):
                held.shutdown(SHUT_RDWR)

    def run(self) -> None:
        """Visit, and write down what came of it. Never raises."""
        try:
            self._visit()
        except (*AWAY, PoolTimeout):
            # `Fetcher.step` gives the mailbox back when the database is there again.
            log.warning("mailbox %s: the database is away", self.held.id)
        except mailboxes.Lost:
            log.info("mailbox %s: its settings have changed", self.held.id)

    def _visit(self) -> None:
        try:
            wait = self._look()
        except Trouble as trouble:
            self._failed(Trouble(trouble.step, Fault.TIMED_OUT) if self._overdue else trouble)
        except (*AWAY, PoolTimeout, mailboxes.Lost):
            raise
        except Exception as error:
            log.exception("mailbox %s: nobody foresaw this", self.held.id)
            self._failed(Trouble(Step.FOLDER, Fault.OURS, type(error).__name__))
        else:
            with _database() as conn:
                mailboxes.let_go(conn, self.held, wait)

    def _failed(self, trouble: Trouble) -> None:
        with _database() as conn:
            if self._ending:
                mailboxes.let_go(conn, self.held, 0)
                return
            if self._at_uid:
                mailboxes.stuck(conn, self.held, self._at_uid)
            wait = mailboxes.failed(conn, self.held, trouble)
        log.warning("mailbox %s: %s; again in %d s", self.held.id, trouble, wait.total_seconds())

    def _look(self) -> float:
        """Fetch until nothing is left and nobody announces more; the seconds until the next visit."""
        with _database() as conn:
            found = mailboxes.settings_of(conn, self.held)
        if found is None:
            raise mailboxes.Lost
        mailbox, sealed = _mailbox(found[0]), found[1]
        with self._signed_in(mailbox, sealed) as session:
            self._open(session, mailbox)
            rest = FIRST
            while True:
                before = self._last_uid
                problem = self._fetch(session, mailbox)
                rest = FIRST if self._last_uid > before else min(2 * rest, IDLE)
                with _database() as conn:
                    mailboxes.well(conn, self.held, problem)
                if self._ending or not session.idles or self._crowded():
                    return 0.0 if self._ending else mailbox.poll
                self._step()
                session.idle(min(rest, mailbox.poll))

    def _step(self) -> None:
        """Before each exchange with the server."""
        self._beat = time.monotonic()
        if self._ending:
            raise Trouble(Step.FOLDER, Fault.LOST)

    def _signed_in(self, mailbox: Imap, sealed: bytes | None) -> Session:
        private = settings.ENV.private_servers
        opening = _opening(self.held, sealed)

        def password(anew: bool) -> str:
            if mailbox.auth != "oauth":
                return opening.password
            token = oauth.token(mailbox, opening, private=private, anew=anew)
            if token.renewed:
                fresh = Opening(client_secret=opening.client_secret, refresh_token=token.renewed)
                with _database() as conn:
                    mailboxes.keep_secret(conn, self.held, fresh.pack(), sealed)
            return token.access

        self._step()
        session = imap.call(mailbox, private=private, connected=self._connected)
        self._session = session
        try:
            self._step()
            session.sign_in(mailbox, password)
        except BaseException:
            session.close()
            raise
        return session

    def _connected(self, sock: socket) -> None:
        self._socket = sock

    def _open(self, session: Session, mailbox: Imap) -> None:
        """Open the folder, and find out whether it is still the one that was fetched from."""
        self._step()
        folder = session.open(mailbox.folder, writing=mailbox.after != "leave")
        if folder.uidvalidity == self._uidvalidity:
            return
        if self._uidvalidity:
            log.warning("mailbox %s: the folder was made anew; looking through it again", self.held.id)
        present = folder.next_uid - 1 if folder.next_uid else max(session.after(0), default=0)
        with _database() as conn:
            mailboxes.begin(conn, self.held, folder.uidvalidity, present)
        self._uidvalidity, self._last_uid, self._highest_uid = folder.uidvalidity, 0, present

    def _fetch(self, session: Session, mailbox: Imap) -> Trouble | None:
        """Everything that is new; a trouble that did not stop it."""
        problem = None
        if self._last_uid < self._highest_uid:
            # What lay there before: only what arrived lately. A server's day may be another than ours.
            day = (self.held.since - timedelta(days=1)).date()
            self._step()
            for uids in self._chunks(session.after(self._last_uid, self._highest_uid, day)):
                problem = self._take(session, mailbox, uids, only_new=True) or problem
            self._reached(self._highest_uid, 0)
        self._step()
        for uids in self._chunks(session.after(self._last_uid)):
            problem = self._take(session, mailbox, uids, only_new=False) or problem
        return problem

    def _take(
        self, session: Session, mailbox: Imap, uids: Sequence[int], *, only_new: bool
    ) -> Trouble | None:
        problem = None
        self._at_uid = uids[0]
        self._step()
        briefs = self._briefs(session, uids)
        if only_new:
            since = self.held.since - SLACK
            briefs = [b for b in briefs if b.arrived is None or b.arrived >= since]
        for slice_ in _slices(briefs):
            self._at_uid = slice_[0].uid
            payloads, had = self._payloads(session, slice_)
            with _database() as conn:
                fresh = mailboxes.keep(conn, self.held.workspace_id, payloads) if payloads else 0
            problem = self._afterwards(session, mailbox, had) or problem
            self._reached(slice_[-1].uid, fresh)
        self._reached(uids[-1], 0)
        return problem

    def _briefs(self, session: Session, uids: Sequence[int]) -> list[Brief]:
        try:
            return session.briefs(uids)
        except Trouble:
            if not self._is_stuck(uids[0]):
                raise
            return [Brief(uids[0], 0, None)]

    def _is_stuck(self, uid: int) -> bool:
        """Whether this message could not be had too often."""
        return uid == self.held.stuck_uid and self.held.stuck_tries >= CAREFUL

    def _payloads(self, session: Session, briefs: Sequence[Brief]) -> tuple[list[Raw], list[int]]:
        """What to store, and the uids of those that were had in full."""
        first = briefs[0]
        if first.size > settings.ENV.imap_size_limit:
            return self._note(session, first, "too_large"), []
        if self._is_stuck(first.uid):
            return self._note(session, first, "unfetched"), []
        if first.size > LARGE:
            return self._by_the_piece(session, first)
        self._step()
        bodies = session.bodies([b.uid for b in briefs])
        for brief in briefs:
            if brief.uid not in bodies:
                self._at_uid = brief.uid
                if session.header(brief.uid) is not None:
                    raise Trouble(Step.FOLDER, Fault.NOT_UNDERSTOOD, "no message in the answer")
        found = [b for b in briefs if b.uid in bodies]
        return [parcel.from_bytes(self._place, b, bodies[b.uid]) for b in found], [b.uid for b in found]

    def _by_the_piece(self, session: Session, brief: Brief) -> tuple[list[Raw], list[int]]:
        limit = settings.ENV.imap_size_limit
        with tempfile.TemporaryFile(dir=str(settings.ENV.run_dir)) as file:
            try:
                for piece in session.pieces(brief.uid):
                    file.write(piece)
                    if file.tell() > limit:  # more than was announced
                        return self._note(session, brief, "too_large"), []
                    self._step()
            except imap.Gone:
                return [], []
            file.seek(0)
            return [parcel.from_file(self._place, brief, file)], [brief.uid]

    def _note(self, session: Session, brief: Brief, reason: str) -> list[Raw]:
        """What to say of a message that is not fetched: its header, to be shown among what was set aside."""
        self._step()
        try:
            header = session.header(brief.uid)
        except Trouble:
            if self.held.stuck_tries < HOPELESS or self.held.stuck_uid != brief.uid:
                raise
            header = b""
        if header is None:
            return []
        detail = f"{brief.size} bytes" if reason == "too_large" else self.held.problem
        return [parcel.note(self._place, brief, header, reason, detail)]

    @property
    def _place(self) -> Place:
        return Place(self.held.workspace_id, self.held.id, self._uidvalidity)

    def _afterwards(self, session: Session, mailbox: Imap, uids: Sequence[int]) -> Trouble | None:
        """What is to happen with messages that are stored. That it cannot be done holds nothing up."""
        if not uids or mailbox.after == "leave":
            return None
        self._step()
        try:
            if mailbox.after == "seen":
                session.mark_seen(uids)
            else:
                session.move(uids, mailbox.after_folder)
        except Trouble as trouble:
            if trouble.fault in (Fault.LOST, Fault.TIMED_OUT):
                raise
            return trouble
        return None

    def _chunks(self, uids: Sequence[int]) -> Iterator[Sequence[int]]:
        """Uids to be looked at together; after a failure one at a time, until the one at fault must have been met."""
        while uids:
            count = 1 if self._singly else AT_ONCE
            self._singly = max(0, self._singly - 1)
            yield uids[:count]
            uids = uids[count:]

    def _reached(self, uid: int, fresh: int) -> None:
        with _database() as conn:
            mailboxes.reached(conn, self.held, uid, fresh)
        self._last_uid = max(self._last_uid, uid)
        self._at_uid = 0


def _slices(briefs: Sequence[Brief]) -> Iterator[list[Brief]]:
    """Messages to be fetched together: many small ones, or a large one."""
    together: list[Brief] = []
    size = 0
    for brief in briefs:
        if together and (
            len(together) >= TOGETHER or size + brief.size > TOGETHER_BYTES or brief.size > LARGE
        ):
            yield together
            together, size = [], 0
        together.append(brief)
        size += brief.size
        if brief.size > LARGE:
            yield together
            together, size = [], 0
    if together:
        yield together


@contextlib.contextmanager
def _database() -> Iterator[Connection]:
    """A short transaction as the queue role."""
    with pool("queue", "worker").connection() as conn:
        yield conn


def _mailbox(config: dict[str, Any]) -> Imap:
    try:
        found = Imap.of(config)
    except (TypeError, ValueError) as error:
        raise Trouble(Step.RESOLVE, Fault.OURS, str(error)) from error
    if found is None:
        raise mailboxes.Lost
    return found


def _opening(held: Held, sealed: bytes | None) -> Opening:
    if sealed is None:
        raise Trouble(Step.SIGN_IN, Fault.NO_PASSWORD)
    try:
        return Opening.unpack(unseal(held.workspace_id, held.id, sealed, MAILBOX))
    except (Unreadable, TypeError, ValueError) as error:
        raise Trouble(Step.SIGN_IN, Fault.NO_PASSWORD, str(error)) from error
