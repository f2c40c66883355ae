"""One call to a provider, and what came of it. Never raises: whatever happens is an outcome."""

import logging

from wasl.channels.base import (
    InDoubt,
    OutboundMessage,
    PermanentFailure,
    Reason,
    TemporaryFailure,
    Unreached,
)
from wasl.delivery.claim import Job
from wasl.delivery.course import Ending, Outcome
from wasl.delivery.lines import Lines, Outlet
from wasl.delivery.payload import unpack
from wasl.kit.blobs import MissingBlob

log = logging.getLogger(__name__)


def call(lines: Lines, outlet: Outlet, job: Job) -> Outcome:
    """Make the message whole, and hand it to the inbox's provider."""
    try:
        message = unpack(job.row.workspace_id, job.payload)
    except (MissingBlob, KeyError, TypeError, ValueError) as error:
        log.exception("delivery %s cannot be made into a message", job.row.id)
        return Outcome(Ending.PERMANENT, Reason.BAD_MESSAGE, detail=f"{type(error).__name__}: {error}")
    except Exception as error:
        log.exception("the files of delivery %s cannot be read now", job.row.id)
        return Outcome(Ending.TEMPORARY, Reason.OTHER, detail=f"{type(error).__name__}: {error}")
    return _hand_over(lines, outlet, job, message)


def _hand_over(lines: Lines, outlet: Outlet, job: Job, message: OutboundMessage) -> Outcome:
    try:
        with lines.line(outlet) as line:
            sent = line.send(message)
    except Unreached as failure:
        return Outcome(Ending.UNREACHED, failure.reason, failure.code, failure.detail)
    except TemporaryFailure as failure:
        return Outcome(Ending.TEMPORARY, failure.reason, failure.code, failure.detail, failure.retry_after)
    except PermanentFailure as failure:
        return Outcome(Ending.PERMANENT, failure.reason, failure.code, failure.detail)
    except InDoubt as doubt:
        return Outcome(Ending.IN_DOUBT, detail=doubt.detail)
    except ValueError as error:
        log.exception("delivery %s holds a message that cannot be sent", job.row.id)
        return Outcome(Ending.PERMANENT, Reason.BAD_MESSAGE, detail=str(error))
    except Exception as error:
        log.exception("nobody foresaw how the call of delivery %s ended", job.row.id)
        return Outcome(Ending.IN_DOUBT, detail=f"{type(error).__name__}: {error}")
    return Outcome(Ending.SENT, code="250", detail=" ".join(filter(None, (sent.detail, sent.provider_ref))))
