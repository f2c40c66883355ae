"""One call to a provider, and what came of it. Never raises: whatever happens is an outcome."""

import logging
from contextlib import nullcontext
from threading import Lock

from wasl.channels.base import (
    InDoubt,
    PermanentFailure,
    Reason,
    TemporaryFailure,
    Unreached,
)
from wasl.delivery.claim import Job
from wasl.delivery.course import Ending, Outcome
from wasl.delivery.lines import Letter, Lines, Outlet
from wasl.delivery.payload import unpack
from wasl.kit.blobs import MissingBlob

log = logging.getLogger(__name__)

_WRITING = Lock()
"""One letter with files is written at a time: eight of 25 MB each would otherwise be in memory at once."""


def call(lines: Lines, outlet: Outlet, job: Job) -> Outcome:
    """Make the message whole, and hand it to the inbox's provider."""
    try:
        letter = _letter(job)
    except (MissingBlob, KeyError, TypeError, ValueError) as error:
        log.exception("delivery %s cannot be made into a message", job.row.id)
        return Outcome(Ending.PERMANENT, Reason.BAD_MESSAGE, detail=f"{type(error).__name__}: {error}")
    except Exception as error:
        log.exception("the files of delivery %s cannot be read now", job.row.id)
        return Outcome(Ending.TEMPORARY, Reason.OTHER, detail=f"{type(error).__name__}: {error}")
    with letter.file:
        return _hand_over(lines, outlet, job, letter)


def _letter(job: Job) -> Letter:
    with _WRITING if job.payload["files"] else nullcontext():
        return Letter.of(unpack(job.row.workspace_id, job.payload))


def _hand_over(lines: Lines, outlet: Outlet, job: Job, letter: Letter) -> Outcome:
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
    return Outcome(Ending.SENT, code="250", detail=" ".join(filter(None, (sent.detail, sent.provider_ref))))
