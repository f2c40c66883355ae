"""One call to a provider, and what came of it. Never raises: whatever happens is an outcome."""

import logging
from contextlib import closing, nullcontext
from dataclasses import replace
from threading import Lock

from wasl.channels.base import (
    Address,
    InDoubt,
    OutboundMessage,
    PermanentFailure,
    Reason,
    TemporaryFailure,
    Unreached,
)
from wasl.channels.email.tokens import base_address
from wasl.delivery.claim import Job
from wasl.delivery.course import Ending, Outcome
from wasl.delivery.lines import Chat, Letter, Lines, Outlet
from wasl.delivery.payload import is_chat, unpack, unpack_chat
from wasl.delivery.rows import OURS
from wasl.kit.blobs import MissingBlob

log = logging.getLogger(__name__)

_WRITING = Lock()
"""One letter with files is written at a time: eight of 25 MB each would otherwise be in memory at once."""


def call(lines: Lines, outlet: Outlet, job: Job) -> Outcome:
    """Make the message whole, and hand it to the inbox's provider; not to somebody who wants none."""
    if job.stopped:
        return Outcome(Ending.PERMANENT, Reason.STOPPED, OURS, "They asked to get no more messages here.")
    try:
        letter = (
            Chat(unpack_chat(job.row.workspace_id, job.payload))
            if is_chat(job.payload)
            else _letter(outlet, job)
        )
    except (MissingBlob, KeyError, TypeError, ValueError) as error:
        log.exception("delivery %s cannot be made into a message", job.row.id)
        return Outcome(Ending.PERMANENT, Reason.BAD_MESSAGE, detail=f"{type(error).__name__}: {error}")
    except Exception as error:
        log.exception("the files of delivery %s cannot be read now", job.row.id)
        return Outcome(Ending.TEMPORARY, Reason.OTHER, detail=f"{type(error).__name__}: {error}")
    with closing(letter):
        return _hand_over(lines, outlet, job, letter)


def _letter(outlet: Outlet, job: Job) -> Letter:
    with _WRITING if job.payload["files"] else nullcontext():
        message = unpack(job.row.workspace_id, job.payload)
        return Letter.of(message if outlet.config.get("plus", True) else plain(message))


def plain(message: OutboundMessage) -> OutboundMessage:
    """Without what we put behind a plus sign, for mail servers that would send back what comes to such an address.

    Answers then find their conversation by References, and reports their message by what they give back of it.
    """
    back = message.reply_to
    return replace(
        message,
        reply_to=Address(back.name, base_address(back.address)) if back else None,
        envelope_from=base_address(message.envelope_from) if message.envelope_from else "",
    )


def _hand_over(lines: Lines, outlet: Outlet, job: Job, letter: Letter | Chat) -> Outcome:
    try:
        with lines.line(outlet) as line:
            sent = line.send(letter)
    except Unreached as failure:
        return Outcome(Ending.UNREACHED, failure.reason, failure.code, failure.detail)
    except TemporaryFailure as failure:
        return Outcome(Ending.TEMPORARY, failure.reason, failure.code, failure.detail, failure.retry_after)
    except PermanentFailure as failure:
        return Outcome(Ending.PERMANENT, failure.reason, failure.code, failure.detail)
    except InDoubt as doubt:
        return Outcome(Ending.IN_DOUBT, detail=doubt.detail)
    except ValueError as error:
        log.exception("delivery %s holds an address that cannot be used", job.row.id)
        return Outcome(Ending.PERMANENT, Reason.BAD_MESSAGE, detail=str(error))
    except Exception as error:
        log.exception("nobody foresaw how the call of delivery %s ended", job.row.id)
        return Outcome(Ending.IN_DOUBT, detail=f"{type(error).__name__}: {error}")
    copies = [f"· {each.address}: {each.code} {each.detail}".strip() for each in sent.refused]
    said = " ".join(filter(None, (sent.detail, sent.provider_ref, *copies)))
    if isinstance(letter, Chat):
        return Outcome(Ending.SENT, detail=said, ref=sent.provider_ref)
    return Outcome(Ending.SENT, code="250", detail=said)
