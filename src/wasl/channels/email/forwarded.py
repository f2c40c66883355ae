"""A mail that somebody passes on: whose it was, as mail programs write it in several languages, or as it is attached.

Gmail, Outlook, Apple Mail, Thunderbird and Yahoo put the first header in words above the first text; others attach the
mail whole (message/rfc822). Nothing here says whether the one who passes it on may be believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wasl.channels.base import Address, ParsedMessage, Part, Unparseable, normalise_address
from wasl.channels.email import addresses, headers, language

LOOKED_AT = 400
"""Lines among which the first header is looked for: above it stands only what the one who passes it on says."""

LONGEST = 40
"""Lines of a header in words."""

_SUBJECT = re.compile(
    r"\s*(?:fwd?|tr|i|inoltr[ao]?|wg|rv|enc|إعادة توجيه|إعادة إرسال|محول[ةه]?)\s*[:：]", re.IGNORECASE
)
_LABELS: dict[str, str] = {
    **dict.fromkeys(("from", "de", "da", "mittente", "von", "من", "المرسل", "expéditeur", "exp"), "from"),
    **dict.fromkeys(("date", "sent", "envoyé", "envoyé le", "inviato", "data", "datum", "gesendet"), "date"),
    **dict.fromkeys(("التاريخ", "تم الإرسال", "تاريخ الإرسال", "أرسل", "أُرسلت", "تاريخ"), "date"),
    **dict.fromkeys(("to", "à", "a", "pour", "per", "an", "destinatario", "إلى", "الى", "المستلم"), "to"),
    **dict.fromkeys(("cc", "copie", "copie à", "copia", "نسخة", "نسخة إلى", "نسخة كربونية"), "cc"),
    **dict.fromkeys(("subject", "objet", "sujet", "oggetto", "betreff", "الموضوع", "موضوع"), "subject"),
    **dict.fromkeys(("reply-to", "répondre à", "rispondi a", "الرد على", "الرد إلى"), "reply-to"),
    **dict.fromkeys(("importance", "priorité", "priorità", "attachments", "pièces jointes", "allegati"), "else"),
    "المرفقات": "else",
}  # fmt: skip
_LINE = re.compile(
    r"^(?P<quote>[ \t]*(?:>[ \t]?)*)[*_ \t\u200e\u200f]*(?P<label>[^\W\d_][^:：\n]{0,20}?)[*_ \t\u200e\u200f]*[:：]"
    r"[*_]*(?:[ \t\u200e\u200f]+[*_]*(?P<value>[^\n]*?))?[*_ \t]*$"
)
_MARK = re.compile(
    r"^[\s>*_-]*(?:begin forwarded message|forwarded (?:message|mail)|original message|forwarded by\b.*"
    r"|d[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])"
    r"|(?:message|mail) (?:transf[ée]r[ée]|d['’]origine|original)"
    r"|(?:inizio )?messaggio (?:inoltrato|originale)|inizio messaggio inoltrato|messaggio di posta inoltrato"
    r"|(?:بدء|بداية) الرسالة (?:المحولة|المُ?عاد توجيهها)"
    r"|(?:ال)?رسالة (?:ال)?(?:محولة|مُ?عاد توجيهها|أصلية|مُ?عاد إرسالها)"
    r"|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|urspr[üu]ngliche nachricht|mensaje reenviado)"
    r"[\s:*_-]*$",
    re.IGNORECASE,
)  # fmt: skip
_RULE = re.compile(r"^[\s>]*[_-]{5,}\s*$")
_MAILTO = re.compile(r"\[mailto:([^\]\s]+)\]|<mailto:([^>\s]+)>", re.IGNORECASE)
_PLAIN = re.compile(r"[^\s<>,;:()\"\[\]]+@[^\s<>,;:()\"@\[\]]+")


@dataclass(frozen=True, slots=True)
class Forward:
    """What was passed on, as if its writer had sent it to us; and what the one who passed it on says about it."""

    message: ParsedMessage
    comment: str


def looks_like_one(message: ParsedMessage) -> bool:
    """Whether to look closer: near nothing for most mail."""
    return bool(_SUBJECT.match(message.subject)) or any(
        p.content_type == "message/rfc822" for p in message.parts
    )


def read(message: ParsedMessage) -> Forward | None:
    """The mail that was passed on, None where that cannot be told for certain."""
    attached = [part for part in message.parts if part.content_type == "message/rfc822"]
    if len(attached) == 1:
        return _attached(message, attached[0])
    return None if attached else _inline(message)


def _attached(message: ParsedMessage, part: Part) -> Forward | None:
    from wasl.channels.email.parse import parse  # it knows of forwards; here a mail is in a mail

    try:
        inner = parse(part.content)
    except Unparseable:
        return None
    if not inner.sender.address or inner.bounce:
        return None
    rest = tuple(each for each in message.parts if each is not part)
    return Forward(_as_ours(inner, message, parts=(*inner.parts, *rest)), message.text.strip())


def _inline(message: ParsedMessage) -> Forward | None:
    lines = message.text.split("\n")
    for at in range(min(len(lines), LOOKED_AT)):
        fields, end, depth = _block(lines, at)
        if not fields:
            continue
        sender = _person(fields["from"])
        marked = at > 0 and any(_MARK.match(line) or _RULE.match(line) for line in _before(lines, at))
        if sender is None or not (marked or _SUBJECT.match(message.subject)):
            return None
        body = "\n".join(_unquoted(line, depth) for line in lines[end:]).strip("\n")
        inner = replace(
            message,
            sender=sender,
            to=_people(fields.get("to", "")),
            cc=_people(fields.get("cc", "")),
            reply_to=(),
            subject=fields.get("subject", "") or _SUBJECT.sub("", message.subject).strip(),
            text=body,
            html="",
            has_remote=False,
            message_id="",
            in_reply_to=(),
            references=(),
            sent_at=_date(fields.get("date", "")),
            language=language.guess(body, ""),
        )
        return Forward(_as_ours(inner, message, parts=message.parts), _comment(lines[:at]))
    return None


def _as_ours(inner: ParsedMessage, outer: ParsedMessage, parts: Sequence[Part]) -> ParsedMessage:
    """The inner mail without the one who passed it on among its recipients."""
    own = outer.sender.identity_key
    return replace(
        inner,
        to=tuple(each for each in inner.to if each.identity_key != own),
        cc=tuple(each for each in inner.cc if each.identity_key != own),
        parts=tuple(parts),
        mark="",
        bounce=None,
        defects=(*inner.defects, "forwarded"),
    )


def _block(lines: Sequence[str], at: int) -> tuple[Mapping[str, str], int, int]:
    """The header in words that begins at a line: its fields, the line behind it, how deep it is quoted."""
    fields: dict[str, str] = {}
    first = _LINE.match(lines[at])
    if first is None or _label(first) == "":
        return {}, at, 0
    depth, end, last = first["quote"].count(">"), at, ""
    while end < min(len(lines), at + LONGEST):
        found = _LINE.match(lines[end])
        label = _label(found) if found else ""
        if found and label:
            fields.setdefault(label, (found["value"] or "").strip())
            last = label
        elif (
            last in ("to", "cc", "from")
            and _PLAIN.search(lines[end])
            and not fields.get(last, "").endswith(".")
        ):
            fields[last] += " " + lines[end].strip("> \t")
        elif lines[end].strip("> \t") or end > at + 12 or len(fields) >= 3:
            break
        end += 1
    is_one = "from" in fields and len(fields.keys() & {"date", "subject", "to"}) >= 2
    return (fields if is_one else {}), end, depth


def _label(found: re.Match[str]) -> str:
    return _LABELS.get(" ".join(found["label"].lower().split()), "")


def _before(lines: Sequence[str], at: int) -> Sequence[str]:
    return [line for line in lines[max(0, at - 5) : at] if line.strip("> \t")][-2:]


def _comment(lines: Sequence[str]) -> str:
    kept = list(lines)
    while kept and (not kept[-1].strip("> \t") or _MARK.match(kept[-1]) or _RULE.match(kept[-1])):
        kept.pop()
    return "\n".join(kept).strip()


def _unquoted(line: str, depth: int) -> str:
    for _ in range(depth):
        line = re.sub(r"^[ \t]*>[ \t]?", "", line, count=1)
    return line


def _person(text: str) -> Address | None:
    """`Amal Khoury <amal@example.net>`, `Amal [mailto:amal@example.net]`, `*Amal* <…>` or an address alone."""
    text = _MAILTO.sub(lambda found: f"<{found[1] or found[2]}>", text.replace("*", ""))
    parsed = addresses.parse(text, set())
    if parsed:
        return Address(parsed[0].name.strip("'\"\u200e\u200f "), parsed[0].address)
    plain = _PLAIN.search(text)
    if plain is None:
        return None
    name = text[: plain.start()].strip(" <>()[]'\"")
    return Address(headers.one_line(name)[: addresses.MAX_NAME], normalise_address(plain[0]))


def _people(text: str) -> tuple[Address, ...]:
    text = _MAILTO.sub(lambda found: f"<{found[1] or found[2]}>", text.replace("*", ""))
    return addresses.parse(text.replace(";", ","), set())


def _date(text: str) -> datetime | None:
    return headers.date(text) if text else None
