"""What mail providers report about a mail: that it could not be delivered (RFC 3464), that it is junk (RFC 5965)."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

DAEMON = "mailer-daemon@mx.sandbox.example"

_REPORT = """\
From: Mail Delivery System <{daemon}>\r
To: <{to}>\r
Subject: Undelivered Mail Returned to Sender\r
Date: {date}\r
Message-ID: {id}\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r
\r
--{boundary}\r
Content-Type: text/plain; charset=utf-8\r
\r
This is the mail system at mx.sandbox.example.\r
\r
Your message could not be delivered to <{recipient}>:\r
{diagnostic}\r
\r
--{boundary}\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.sandbox.example\r
Arrival-Date: {date}\r
\r
Final-Recipient: rfc822; {recipient}\r
Action: failed\r
Status: {status}\r
Diagnostic-Code: smtp; {diagnostic}\r
\r
--{boundary}\r
Content-Type: text/rfc822-headers\r
\r
{headers}\r
--{boundary}--\r
"""


def undelivered(
    raw: bytes,
    envelope_from: str,
    recipient: str,
    status: str = "5.1.1",
    diagnostic: str = "550 5.1.1 No such mailbox here",
) -> bytes:
    """The report on `raw`, for its envelope sender."""
    headers = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    return _REPORT.format(
        daemon=DAEMON,
        to=envelope_from,
        date=format_datetime(datetime.now(UTC)),
        id=make_msgid(domain="mx.sandbox.example"),
        boundary=f"report-{abs(hash((raw, recipient))):016x}",
        recipient=recipient,
        status=status,
        diagnostic=diagnostic,
        headers=headers + "\r\n",
    ).encode()


_JUNK = """\
From: Feedback <{daemon}>\r
To: <{to}>\r
Subject: Reported as junk\r
Date: {date}\r
Message-ID: {id}\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary="{boundary}"\r
\r
--{boundary}\r
Content-Type: text/plain; charset=utf-8\r
\r
The owner of <{recipient}> reported this message as junk.\r
\r
--{boundary}\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: sandbox/1\r
Version: 1\r
Original-Rcpt-To: <{recipient}>\r
\r
--{boundary}\r
Content-Type: text/rfc822-headers\r
\r
{headers}\r
--{boundary}--\r
"""
_RETURN_PATH = re.compile(rb"^return-path:\s*<([^<>\s]*)>", re.IGNORECASE | re.MULTILINE)


def junk(raw: bytes, recipient: str) -> tuple[str, bytes]:
    """To whom the report on a delivered mail goes ('' when it has no return path), and the report."""
    found = _RETURN_PATH.search(raw)
    to = found[1].decode("ascii", "replace") if found else ""
    headers = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    report = _JUNK.format(
        daemon=DAEMON,
        to=to,
        date=format_datetime(datetime.now(UTC)),
        id=make_msgid(domain="mx.sandbox.example"),
        boundary=f"report-{abs(hash((raw, recipient))):016x}",
        recipient=recipient,
        headers=headers + "\r\n",
    )
    return to, report.encode()
