"""What the lines around a quotation are: who wrote when, the header of a quoted mail, marks, separators.

Every question looks at a bounded number of letters of a bounded number of lines, so that asking them of every line
takes linear time. Lines are `bare` (see `words`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wasl.channels.email.trim import words
from wasl.channels.email.trim.words import DATE, FROM, MORE, SUBJECT, TO

LOOKED = 400
"""Letters of a line that are looked at."""
WINDOW = 6
"""Lines that "On … wrote:" may take when it was wrapped."""
HEADERS = 14
"""Lines that the header of a quoted mail may take."""

_ENDS = " \t*_"
_ADDRESS = re.compile(r"[^\s<>@\"'(]@[^\s<>@]{2,}")
_TIME = re.compile(r"\d{1,2} ?[:.hH٫] ?\d{2}(?!\d)|\d{1,2} ?(?:am|pm|AM|PM|Uhr)\b|الساعة")
_DIGIT = re.compile(r"\d")
_ISO = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\b")
_ISO_END = re.compile(r"(?:GMT|UTC)[+-]\d|<[^<>@\s]+@[^<>\s]+>:?$")
_DASHED = re.compile(r"[*|> ]*[-_=]{3,}[ \t]*([^-_=]{4,60}?)[ \t]*[-_=]{3,}")
_ABOVE_HEADER = re.compile(r"(?:message d[ue]|messaggio del|nachricht vom|رسالة)\b.{0,40}\d", re.IGNORECASE)
_ARROWS = re.compile(r">>> .{3,200}\d.{0,40}>>>$")
_SEPARATOR = re.compile(r"[-_=*#~+ᐧ—–•·]+(?:[ \t]+[-_=*#~+ᐧ—–•·]+)*")
_INITIALS = re.compile(r"[A-Z][A-Za-z]{0,2}>(?: |$)")
_ON_ONE_LINE = re.compile(r"(.{10,300}?@.{1,120}?[^\d\s] ?[:：])[ \t]+\S")
# Who passes on somebody's words: "On 4 March at 10:15 your driver wrote to me:".
_TELLS = re.compile(
    r"(?<!\w)(?:i|me|us|we|your|j['’]ai|j['’]avais|m['’](?:a|ont|avez)|nous|vous|votre|vos|mi|ci|ho|vostr[oa]|vostri"
    r"|suo|sua|لي|لنا|لكم|إلي|إلينا|إليكم|\w{3,}كم|ich|mir|uns|ihr|ihre|me|nos|su)(?!\w)",
    re.IGNORECASE,
)
_SENT = re.compile(r"[*_ ]*(?:sent|envoy|inviat|gesendet|enviad|(?:تم |تاريخ )?ال?[إا]رسال)", re.IGNORECASE)
_CITING = re.compile(
    r"(?:quoting|citing|zitat von|zitiere|citando(?: a)?|citazione di|citation de|en citant|citat fr[åa]n|citerar"
    r"|citeren van"
    r"|اقتباس من|نقلا عن)\s.{0,200}:",
    re.IGNORECASE,
)
# Between date and sender, where no verb follows: "Monday, 4 March 2024, 10:15 +01:00 from Somebody s@x.example:".
_BY = re.compile(r"(?<!\w)(?:from|de|da|von|от|من|van)\s\S.{0,200}\S@\S+\.\w+\s?[:：]$", re.IGNORECASE)
_DASHES = frozenset(("--", "—", "––", "——", "- -", "-- -", "\\--", "--\\"))


def is_quoted(line: str) -> bool:
    """`> text`, or `AB> text` as some put the initials of who wrote it."""
    return line[:1] == ">" or (line[:1].isascii() and ">" in line[:4] and _INITIALS.match(line) is not None)


def is_separator(line: str) -> bool:
    """A line of nothing but strokes: `---`, `____`, `***`."""
    return len(line) < 200 and _SEPARATOR.fullmatch(line) is not None and line not in ("-", "*", "+")


def is_arrows(line: str) -> bool:
    """`>>> Somebody <a@b.example> 12/03/2024 15:45 >>>` (GroupWise)."""
    return line.startswith(">>> ") and _ARROWS.match(line[:LOOKED]) is not None


def is_above_header(line: str) -> bool:
    """`Message du 12/03/24 15:45` (Orange): what some put over the header of what they quote."""
    return len(line) < 80 and _ABOVE_HEADER.match(line) is not None


def is_signature_mark(line: str) -> bool:
    """`-- ` and what becomes of it on the way (RFC 3676, 4.3)."""
    return line in _DASHES


def _between_dashes(line: str) -> str:
    """What stands between the first dashes; some telephones go on in the same line."""
    first = _DASHED.match(line[:LOOKED])
    return (first[1] if first else line[:LOOKED].strip(" \t*_-=#~>:：")).strip().lower()


def is_original(line: str) -> bool:
    """`-----Original Message-----`, in any language that we know."""
    inside = _between_dashes(line)
    if inside not in words.ORIGINAL:
        return False
    return "--" in line or "__" in line or "==" in line or line.rstrip().endswith((":", "："))


def is_named_mark(line: str) -> bool:
    """`---- Some words ----`: what stands over the header of a quoted mail, whatever the words are."""
    return line[0] in "-_=*" and _DASHED.fullmatch(line[:LOOKED].rstrip("*_")) is not None


def is_forwarded(line: str) -> bool:
    """`---------- Forwarded message ---------`, `Begin forwarded message:`."""
    line = line[:LOOKED]
    if not (line.endswith((":", "：")) or "--" in line or "==" in line or "__" in line):
        return False
    inside = _between_dashes(line)
    return inside in words.FORWARDED or inside.startswith(("forwarded by ", "forwarded message from "))


def is_above_this(line: str) -> bool:
    """`##- Please type your reply above this line -##`."""
    if len(line) > 160 or line[0].isalnum():
        return False
    line = line.lower()
    return any(phrase in line for phrase in words.ABOVE_THIS)


def header(line: str) -> int:
    """Which header of a mail the line is (FROM, DATE …), -1 for none."""
    name, colon, value = line[:LOOKED].lstrip("*_ \t").partition(":")
    if not colon:
        name, colon, value = line[:LOOKED].lstrip("*_ \t").partition("：")
    name = name.strip(" \t*_").lower()
    if not colon or len(name) > words.HEADER_LONGEST or value.startswith("//"):
        return -1
    return words.HEADER.get(name, -1)


def header_block(lines: Sequence[str], at: int, *, marked: bool = False) -> int:
    """How many lines from `at` on are the header of a quoted mail; 0 when they are none.

    Three of its fields, an address, a subject or the minute it was sent among them: "From: Rome, to: Milan, date:
    3 May" is a journey.
    `marked` is said of lines below a mark or a separator, where two fields are enough. A value may be wrapped.
    """
    found: set[int] = set()
    address, sent, end = False, False, at
    loose = 0
    for number in range(at, min(at + HEADERS, len(lines))):
        line = lines[number][:LOOKED]
        what = header(line) if line else -1
        if what < 0:
            loose += 1
            if loose > 2 or not found:
                break
            address = address or (bool(line) and _ADDRESS.search(line) is not None)
            continue
        if what in found and what not in (TO, MORE):
            break
        found.add(what)
        address = address or _ADDRESS.search(line) is not None
        sent = sent or (what == DATE and _SENT.match(line) is not None and _TIME.search(line) is not None)
        loose, end = 0, number + 1
    said = len(found - {MORE})
    enough = FROM in found and said >= 3 and (address or sent or SUBJECT in found)
    below = marked and said >= 2 and (FROM in found or DATE in found)
    return end - at if enough or below else 0


def attribution(lines: Sequence[str], at: int, *, quoted_next: bool) -> int:
    """How many lines ending with `at` introduce a quotation ("On … wrote:"); 0 when they do not.

    It says that somebody wrote and has an address, a time, or the quotation right below it (`quoted_next`); or it
    has a date and ends with an address. The line may be wrapped and then begins with its first word and a date.
    """
    last = lines[at][-LOOKED:].strip(_ENDS)
    if not last:
        return 0
    if _ISO.match(last) and _ISO_END.search(last):
        return 1
    if on_one_line(lines[at]):
        return 1
    dashed = last.startswith("--") and last.endswith("--")
    last = last.strip("- ") if dashed else last
    if not (dashed or last.endswith((":", "："))) or not _may_end(last):
        return 0
    if quoted_next and _CITING.fullmatch(last):
        return 1
    size = _wrapped(lines, at, last, quoted_next=quoted_next)
    if size and not quoted_next and not any("@" in line for line in lines[at - size + 1 : at + 1]):
        # Without an address, people say the like themselves: "On Monday at 3:45 your driver wrote:".
        below = lines[at + 1] if at + 1 < len(lines) else ""
        return 0 if below or _TELLS.search(" ".join(lines[at - size + 1 : at + 1])) else size
    return size


def _wrapped(lines: Sequence[str], at: int, last: str, *, quoted_next: bool) -> int:
    """How many lines belong to an introduction that ends with `last`."""
    window = last
    shortest = 1 if _introduces(window, quoted_next=quoted_next, begun=_begins(last)) else 0
    if _begins(last) and shortest:
        return 1
    for back in range(1, min(WINDOW, at + 1)):
        line = lines[at - back][-LOOKED:].strip(_ENDS)
        if (not line and not window.startswith(("<", "mailto:"))) or line.startswith(">"):
            break
        window = f"{line} {window}"
        begun = _begins(line)
        if (begun or not shortest) and _introduces(window, quoted_next=quoted_next, begun=begun):
            shortest = back + 1
            if begun:
                break
    return shortest


def on_one_line(line: str) -> bool:
    """Whether the quotation goes on in the line that introduces it, as Yahoo's telephone programs leave it."""
    if "@" not in line[:LOOKED]:
        return False
    said = _ON_ONE_LINE.match(line[:LOOKED])
    return said is not None and _begins(said[1]) and _wrote(said[1]) and _TIME.search(said[1]) is not None


def _may_end(last: str) -> bool:
    """Whether the last line of an introduction can look like this; most lines with a colon can not."""
    if last[:-1].rstrip().endswith((">", ")", "›", "»", '"')) or len(last) < 4:
        return True
    return _wrote(last) or _TIME.search(last[-24:]) is not None or _BY.search(last) is not None


def _wrote(text: str) -> bool:
    if not words.WROTE.isdisjoint(words.of(text)):
        return True
    return not text.isascii() and any(word in text for word in words.WROTE_UNSPACED)


def _begins(line: str) -> bool:
    """A first word of an introduction, with a date in the same line; or the date itself."""
    line = line.lstrip("- ")
    if not _DIGIT.search(line):
        return False
    return line[:1].isdigit() or words.INTRO.match(line) is not None


def _introduces(window: str, *, quoted_next: bool, begun: bool) -> bool:
    if len(window) > 600:
        return False
    address = _ADDRESS.search(window) is not None
    time = _TIME.search(window) is not None
    if _wrote(window):
        return address or quoted_next or (time and begun and not window[:1].islower())
    # Without the verb (Japanese, Hebrew, older Gmail): a date, and an address at the end.
    ends = window.rstrip(":： ").endswith((">", "›", ")")) or (time and _BY.search(window) is not None)
    return address and ends and _DIGIT.search(window[:40]) is not None and (time or quoted_next)


def is_said_mark(line: str) -> bool:
    """`-----Somebody <a@b.example> wrote: -----` (Notes, Zoho): dashes on both sides, and the verb."""
    line = line[:LOOKED]
    return line.startswith("--") and line.endswith("--") and _wrote(line.strip("- :"))
