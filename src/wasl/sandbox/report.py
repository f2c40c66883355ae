"""The report a mail server sends when it could not deliver (RFC 3464 in an RFC 6522 multipart)."""

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
