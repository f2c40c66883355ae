"""Invitations as the calendars of Google, Outlook and Apple send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.messages import leaf, multipart, whole
from tests.channels.work import calls
from wasl.channels.base import Invitation
from wasl.channels.email.invitation import MAX_SIZE, read

GOOGLE = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Asia/Riyadh
X-LIC-LOCATION:Asia/Riyadh
BEGIN:STANDARD
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
TZNAME:GMT+3
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Asia/Riyadh:20260312T154500
DTEND;TZID=Asia/Riyadh:20260312T164500
RRULE:FREQ=WEEKLY;BYDAY=TH
DTSTAMP:20260301T100000Z
ORGANIZER;CN=Sara Khoury:mailto:sara@example.com
UID:abc@google.com
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=
 TRUE;CN=support@dar-zaytun.example:mailto:support@dar-zaytun.example
DESCRIPTION:-::~:~::~
LOCATION:Olive Hall\\, Riyadh
SEQUENCE:0
STATUS:CONFIRMED
SUMMARY:عرض المجموعة الجديدة
BEGIN:VALARM
ACTION:DISPLAY
SUMMARY:not this one
TRIGGER:-P0DT0H10M0S
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()

OUTLOOK = """BEGIN:VCALENDAR
METHOD:CANCEL
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Our own time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ORGANIZER;CN="Conti, Giulia":mailto:giulia@example.com
ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Support:mailto:support@dar-zaytun.example
SUMMARY;LANGUAGE=it-IT:Cancellata: Visita
DTSTART;TZID=Our own time:20260712T100000
DTEND;TZID=Our own time:20260712T113000
UID:040000008200E00074C5B7101A82E008
STATUS:CANCELLED
SEQUENCE:2
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()

REPLY = b"""BEGIN:VCALENDAR
METHOD:REPLY
PRODID:-//Apple Inc.//iPhone OS 17.4//EN
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;CN=Amal Khoury;PARTSTAT=ACCEPTED:mailto:amal@example.net
DTSTART:20260312T124500Z
DURATION:PT45M
SUMMARY:Visit
UID:1
END:VEVENT
END:VCALENDAR
"""


def event(*lines: str, method: str = "PUBLISH", around: str = "") -> bytes:
    inside = "\r\n".join(lines)
    return (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\n{around}BEGIN:VEVENT\r\n{inside}\r\nEND:VEVENT\r\nEND:VCALENDAR"
    ).encode()


def test_an_invitation() -> None:
    assert read(GOOGLE) == Invitation(
        method="request",
        title="عرض المجموعة الجديدة",
        start="2026-03-12T15:45+03:00",
        end="2026-03-12T16:45+03:00",
        zone="Asia/Riyadh",
        place="Olive Hall, Riyadh",
        organiser="Sara Khoury",
        repeats="weekly",
    )


def test_a_cancellation_in_a_zone_that_only_the_file_knows() -> None:
    found = read(OUTLOOK)
    assert found
    assert (found.method, found.start, found.end) == (
        "cancel",
        "2026-07-12T10:00+02:00",
        "2026-07-12T11:30+02:00",
    )
    assert (found.zone, found.organiser) == ("Our own time", "Conti, Giulia")


def test_an_answer() -> None:
    found = read(REPLY)
    assert found
    assert (found.method, found.answer, found.attendee) == ("reply", "accepted", "Amal Khoury")
    assert (found.start, found.end, found.zone) == ("2026-03-12T12:45+00:00", "2026-03-12T13:30+00:00", "UTC")


@pytest.mark.parametrize(
    ("lines", "method", "expected"),
    [
        (("DTSTART:20260312T124500Z", "SEQUENCE:1"), "REQUEST", "update"),
        (("DTSTART:20260312T124500Z", "SEQUENCE:0"), "REQUEST", "request"),
        (("DTSTART:20260312T124500Z", "STATUS:CANCELLED"), "PUBLISH", "cancel"),
        (("DTSTART:20260312T124500Z",), "COUNTER", "counter"),
        (("DTSTART:20260312T124500Z",), "NONSENSE", "publish"),
    ],
)
def test_what_it_is_for(lines: tuple[str, ...], method: str, expected: str) -> None:
    found = read(event(*lines, method=method))
    assert found
    assert found.method == expected


def test_whole_days_end_with_the_last_of_them() -> None:
    found = read(event("DTSTART;VALUE=DATE:20260312", "DTEND;VALUE=DATE:20260315"))
    assert found
    assert (found.start, found.end, found.all_day) == ("2026-03-12", "2026-03-14", True)


def test_a_time_without_a_zone_is_meant_wherever_one_is() -> None:
    found = read(event("DTSTART:20260312T124500"))
    assert found
    assert (found.start, found.zone) == ("2026-03-12T12:45", "")


def test_a_zone_of_one_message_is_not_that_of_the_next() -> None:
    read(OUTLOOK)
    found = read(event("DTSTART;TZID=Our own time:20260712T100000"))
    assert found
    assert found.start == "2026-07-12T10:00"


def test_names_of_windows_and_long_ones_are_known() -> None:
    windows = read(event("DTSTART;TZID=W. Europe Standard Time:20260712T100000"))
    long = read(event("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Rome:20260712T100000"))
    assert windows
    assert long
    assert windows.start == long.start == "2026-07-12T10:00+02:00"


ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Trap\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n"
    "TZOFFSETTO:+0100\r\nRRULE:{}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=YEARLY;INTERVAL=0", "FREQ=DAILY;BYSETPOS=9", "x" * 5000]
)
@pytest.mark.timeout(20)
def test_rules_that_never_end_are_not_followed(rule: str) -> None:
    assert read(event("DTSTART;TZID=Trap:20260712T100000", around=ZONE.format(rule)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00" * 1000,
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR",
        event("DTSTART:nonsense"),
        event("SUMMARY:no start"),
        event("DTSTART:99999999T999999Z"),
        event("DTSTART:20260312T124500Z", "DURATION:P99999999999D"),
        b"BEGIN:VCALENDAR\r\n" * 10_000,
        b"END:VEVENT\r\n" * 10_000,
    ],
)
def test_what_cannot_be_read_is_no_invitation(content: bytes) -> None:
    assert read(content) is None


@given(
    st.lists(
        st.sampled_from(GOOGLE.splitlines() + OUTLOOK.splitlines() + [b"BEGIN:VEVENT", b"DTSTART:1"]),
        max_size=40,
    )
)
def test_any_lines_in_any_order(lines: list[bytes]) -> None:
    read(b"\r\n".join(lines))


@pytest.mark.parametrize(
    "piece",
    [
        "ATTENDEE:mailto:a@b.example\r\n",
        "RDATE:20260312T124500Z\r\n",
        "SUMMARY;X=y:z\r\n",
        ZONE.format("FREQ=YEARLY"),
    ],
)
def test_the_library_sees_a_bounded_part(piece: str) -> None:
    def work(times: int) -> int:
        start = "DTSTART:20260312T124500Z\r\n"
        inside, around = (start, piece * times) if piece.startswith("BEGIN") else (start + piece * times, "")
        content = event(inside, around=around)
        assert len(content) < MAX_SIZE
        return calls(lambda _: read(content), "")

    work(1)
    lines = 800 * piece.count("\n")
    assert work(1000) - work(200) < 12 * lines, "only our own reading of lines grows"


def message(part: bytes, *more: bytes) -> bytes:
    alternative = multipart(b"alternative", leaf(b"text/plain", b"You are invited."), part, boundary=b"alt")
    return multipart(b"mixed", alternative, *more)


def test_it_is_found_in_a_message_and_stays_a_file_once() -> None:
    found = whole(
        message(
            leaf(b"text/calendar; charset=UTF-8; method=REQUEST", GOOGLE),
            leaf(
                b'application/ics; name="invite.ics"',
                GOOGLE,
                b'Content-Disposition: attachment; filename="invite.ics"',
            ),
        )
    )
    assert found.text == "You are invited."
    assert found.invitation
    assert found.invitation.organiser == "Sara Khoury"
    assert [part.filename for part in found.parts] == ["invite.ics"]


def test_a_broken_one_stays_a_file() -> None:
    found = whole(message(leaf(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")))
    assert found.invitation is None
    assert len(found.parts) == 1


def test_one_that_is_too_large_is_not_read() -> None:
    large = event("DTSTART:20260312T124500Z", "X-A:" + "x" * 70) + b"\r\n" + b"X-B:y\r\n" * (MAX_SIZE // 7)
    assert whole(message(leaf(b"text/calendar", large))).invitation is None
