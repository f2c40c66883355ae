"""Reports that mail servers write in forms of their own: qmail, Exim, Exchange, Domino, gateways, services.

A mail is taken for one when both its sender and its words say so. What is read: who did not get it, the answer of the
server that refused, and the message that came back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from wasl.channels.base import BounceKind, BounceReport, Reason, normalise_address
from wasl.channels.email import headers, refusals
from wasl.channels.email.charsets import decode

Daemon = Literal["", "daemon", "master", "robot", "service"]

MAX_HEAD = 6_000
MAX_TEXT = 20_000
NEAR = 700

_DAEMON = re.compile(
    r"mail(?:er)?[-_. ]?daemon|mail[-_. ]?(?:delivery|deliver)\b|delivery (?:sub)?system|^\s*<>\s*$"
    r"|\bmdaemon\b|mail system",
    re.IGNORECASE,
)
_MASTER = re.compile(
    r"\bpoo?st[-_. ]?master@|^\W*poo?st[-_. ]?master\b|^\W*(?:mail|system) administrator\b|^\W*content[-_ ]?filter\b"
    r"|smtp[-_ ]?(?:server|gateway)",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"@sns\.amazonaws\.com>?\s*$", re.IGNORECASE)
_ROBOT = re.compile(
    r"\b(?:no-?reply|do-?not-?reply|[\w.]+-(?:admin|owner|request))@|^[^<]*staff@hotmail", re.IGNORECASE
)

_SUBJECT = re.compile(
    r"undeliver|non-?deliver|not (?:be )?delivered|returned (?:mail|message|to sender)|return(?:ing)? to sender"
    r"|(?:mail|message|e-?mail|delivery)\b.{0,20}\b(?:fail|delay|problem|error|could not)|fail(?:ed"
    r"|ure).{0,20}(?:deliver|notice|notif)"
    r"|deliver\w* (?:warning|status|fail|report|problem|notif|delay|error|incomplete)|delayed mail"
    r"|could not send|sending your mail"
    r"|message you sent|malformed recipient|see transcript|unzustellbar|nicht zugestellt|zustellung"
    r"|non remis|[ée]chec (?:de|d')|remise (?:diff[ée]r|impossible|retard)|non distribu"
    r"|retour à l'exp[ée]diteur"
    r"|mancat[ao] (?:recapito|consegna)|non recapitat|impossibile recapitare|recapito.{0,20}(?:fallit"
    r"|ritard|non)|consegna.{0,20}(?:fallit|ritard)"
    r"|تعذر (?:ال)?تسليم|فشل (?:في )?(?:ال)?(?:تسليم|إرسال)|لم يتم (?:ال)?تسليم|غير قابلة? للتسليم|إخفاق"
    r"|تأخر (?:ال)?تسليم"
    r"|no (?:se )?(?:pudo|entregad)|devuelto|n[ãa]o (?:entregue|foi poss)|devolvid|доставлен|送信でき|配信|エラー|退信",
    re.IGNORECASE,
)  # fmt: skip
# At the very beginning: behind Re: and Fwd: they are what somebody passes on.
_NAMED = re.compile(
    r"(?:undeliver|mail (?:delivery|could not be delivered)|delivery (?:failure|status|report)"
    r"|failure notice|returned mail"
    r"|non remis|[ée]chec de remise|mancat[ao] (?:recapito|consegna)|تعذر (?:ال)?تسليم|فشل (?:ال)?تسليم"
    r"|unzustellbar)",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"(?:could|can|was|were|is|be|did)(?: ?n[o']t| not)(?: be)? (?:yet )?(?:been )?(?:deliver"
    r"|able to deliver|sent|reach)|cannot be delivered"
    r"|unable to (?:deliver|be delivered)|undeliverable|delivery (?:to the following|has failed|failed)"
    r"|delevery to"
    r"|permanent (?:fatal )?(?:error|fail)|fatal errors?|delivery (?:errors|problems)|has been delayed"
    r"|is delayed|not yet been delivered"
    r"|error (?:sending|has occurred)|trouble delivering|problem delivering|failed to (?:deliver|send)"
    r"|transcript of session"
    r"|rejected by|was rejected|(?:user'?s? )?mailbox (?:is |exceed)|returned message|failed recipient"
    r"|failure reasons|automatically rejected|no such user|has been (?:postponed|returned)|did not receive"
    r"|not a member of this mailing list"
    r"|group you tried to contact|invalid user address|was blocked by"
    r"|n['’]a (?:pas )?pu (?:pas )?[êe]tre|impossible de (?:remettre|livrer|distribuer|transmettre)"
    r"|impossibile (?:recapitare|consegnare|inviare)|non [èe] (?:stato possibile|stat[ao] (?:recapitat"
    r"|consegnat))"
    r"|تعذر (?:تسليم|إرسال)|لم (?:يتم|نتمكن|يمكن)|konnte nicht|nicht zugestellt|no se (?:ha podido|pudo)"
    r"|n[ãa]o (?:pôde|foi possível)"
    r"|送信できません|配信できません|无法(?:发送|送达|投递)|退信|не может быть|не удалось",
    re.IGNORECASE,
)  # fmt: skip
_DELAY = re.compile(
    r"\b(?:warning message only|this is a warning|has been delayed|is delayed|not yet been delivered"
    r"|still being retried|will be retried"
    r"|will (?:keep )?(?:retry|try)|delivery attempts will continue|temporary failure report"
    r"|delay(?:ed)?\b.{0,20}\bhours|delivery incomplete)"
    r"|has been postponed|continue to try|\(delay\)|\bdelay(?:ed)?$|: (?:delayed|warning)\b"
    r"|could not send mail for past|remise (?:diff[ée]r|retard)|consegna ritardata"
    r"|تأخر (?:ال)?تسليم|verz[öo]gert",
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_CUT = re.compile(
    r"^[ \t>*#=_-]{0,80}(?:(?:this is|below this line is|below is|enclosed is|included is|here is"
    r"|attached is) (?:a|the) copy\b"
    r"|(?:the )?(?:headers? of the )?(?:original|returned|unsent|undelivered) (?:message|mail)"
    r"(?: (?:follows?|headers?|info|is following|text|body)[^\n]*)?[ \t:.*=_-]*$"
    r"|(?:original )?message (?:headers?|text|body)\b[^\n]*follows?[^\n]*"
    r"|en-t[êe]tes de message d['’]origine|message d['’]origine|messaggio originale|intestazioni"
    r"|الرسالة الأصلية"
    r"|-{3,80} ?(?:original|unsent|returned|begin|message)[^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_HEADERS = re.compile(r"^(?:received|return-path|dkim-signature): ?", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(
    r"^(message-id|to|x-hmxmroriginalrecipient|x-original-to"
    r"|x-rcpt-to)[ \t]*:[ \t]*((?:[^\n]*)(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE
)  # fmt: skip
_ANY = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|[^\s<>()\[\],;:|\"'=]{1,64})@[^\s<>()\[\],;:|\"'@]{1,255}[a-z0-9]", re.IGNORECASE
)  # fmt: skip
# Before an address: what makes it the one that was not reached, and what makes it somebody else's.
_MEANT = re.compile(
    r"(?:rcpt to:?|recipients?(?: address)?:?|delivered to:?|deliver(?:ed|y)? (?:your )?(?:message"
    r"|mail) to(?: address)?:?|undeliverable to|addressed to:?"
    r"|message to:?|mailing list|failed:|attempts:|address(?:es)?:|size:|full:|errors?[^\n]*:"
    r"|to the following[^\n]*:|target mail address:|userid:|smtp=|(?:generated|expanded) from"
    r"|user:)\s*[<\"]*$",
    re.IGNORECASE,
)  # fmt: skip
_OTHERS = re.compile(
    r"\b(?:from|sender|reply-to|contact|mail to|by|id|envelope|helo|s|f|to contact|(?:e-?)?mailto|please"
    r"|with|at host|message-id|support|mail from|hello)"
    r"[: =]*[\[<(\"]*$",
    re.IGNORECASE,
)
_ROLES = re.compile(r"(?:mailer-daemon|postmaster|support|abuse|hostmaster|help)@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Returned:
    """The message that came back, as far as it is needed."""

    message_id: str = ""
    recipient: str = ""


@dataclass(slots=True)
class Told:
    """A report as it lies before us. `ours` is its To, `failed` its X-Failed-Recipients."""

    subject: str
    text: str
    returned: Returned
    failed: str = ""
    ours: str = ""
    attached: bool = False
    head: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.text = self.text[:MAX_TEXT]
        self.head, tail = cut(self.text)
        if tail and not (self.returned.message_id or self.returned.recipient):
            self.returned = returned(tail.encode("utf-8", "replace"))


def cut(text: str) -> tuple[str, str]:
    """What the server says, and the message that it gives back behind that."""
    start = _CUT.search(text, 1) or _HEADERS.search(text, 1)
    at = start.start() if start else len(text)
    return text[: min(at, MAX_HEAD)], text[at:]


def returned(raw: bytes) -> Returned:
    """Identifier and recipient of the message, or of the headers, that came back, broken as they may be."""
    text = decode(raw[:MAX_TEXT], "").replace("\r\n", "\n")
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(text):
        fields.setdefault(found[1].lower(), " ".join(found[2].split()))
    ids = headers.ids(fields.get("message-id", ""))
    known = (fields.get(name, "") for name in ("x-hmxmroriginalrecipient", "x-rcpt-to", "to"))
    meant = next((each for each in map(_first, known) if each), "")
    return Returned(
        ids[0] if ids else headers.one_line(fields.get("message-id", "").strip("<> "))[:998], meant
    )


def _first(text: str) -> str:
    angle = re.search(r"<([^<>\s]+@[^<>\s]+)>", text)
    found = angle[1] if angle else next(iter(_ANY.findall(text)), "")
    return normalise_address(found)[:320]


# One of these is in every name that the patterns know: looking for them is quicker than the patterns are.
_HINTS = ("daemon", "deliver", "master", "<>", "system", "administrator", "filter", "smtp", "amazonaws", "reply",
          "admin", "owner", "request", "hotmail")  # fmt: skip


def suspect(fields: headers.Fields, sender_shown: str, subject: str, *, strange: bool) -> Daemon:
    """Whether a mail may be a report by its header: near nothing for the mail of people.

    A mail that calls itself a report (`strange`) is one whoever signs it.
    """
    if b"x-failed-recipients" in fields:
        return "daemon"
    shown = sender_shown.lower()
    if any(map(shown.__contains__, _HINTS)):
        if _DAEMON.search(sender_shown):
            return "daemon"
        if _MASTER.search(sender_shown):
            return "master"
        if _SERVICE.search(sender_shown):
            return "service"
        strange = strange or bool(_ROBOT.search(sender_shown))
    if strange or _NAMED.match(subject):
        return "robot"
    null = b"return-path" in fields and fields.plain(b"return-path") in ("<>", "")
    return "robot" if null and b"auto-submitted" not in fields else ""


_COMPLAINT = re.compile(
    r"complaint about message from|this is an? [\w -]{0,20}(?:abuse|opt-out) report", re.IGNORECASE
)


def read(told: Told, daemon: Daemon) -> BounceReport | None:
    """What a mail server says in words of its own; None when it is not about a message of ours."""
    if daemon == "service":
        return _notification(told.text)
    if told.attached and (_COMPLAINT.match(told.subject) or _COMPLAINT.match(told.head.strip())):
        return BounceReport("complaint", told.returned.recipient, "", "abuse", told.returned.message_id)
    if not _is_about_mail(told, daemon):
        return None
    who = recipient(told)
    what: BounceKind = "delayed" if kind(told) == "delayed" else "failed"
    said = near(told.head, who)
    status = refusals.STATUS.search(said)
    why = refusals.reason(said, about=told.head)
    if why is Reason.OTHER:
        why = refusals.reason(told.subject)
    if why is Reason.OTHER and who.endswith("@googlegroups.com"):
        why = Reason.ADDRESS_UNKNOWN  # its one refusal, in forty languages
    how = refusals.permanence(said, status[0] if status else "", why, told.head)
    return BounceReport(
        what,
        who,
        status[0] if status else "",
        _diagnostic(said),
        told.returned.message_id,
        "delayed" if what == "delayed" else how,
        why,
    )


def kind(told: Told) -> BounceKind:
    """What the words say happened."""
    if _DELAY.search(told.head) or _DELAY.search(told.subject):
        return "delayed"
    return "failed" if _BODY.search(told.head) else "unknown"


def _is_about_mail(told: Told, daemon: Daemon) -> bool:
    """Whether the words fit the sender: the less a sender looks like a mail server, the more they must say."""
    by_subject, by_words = bool(_SUBJECT.search(told.subject)), bool(_BODY.search(told.head))
    refused = bool(_CODE_LINE.search(told.head)) and bool(_in_text(told))
    if daemon == "daemon":
        return bool(told.failed) or by_subject or by_words or refusals.words(told.subject) is not None
    if daemon == "master":
        by_words = by_words or refusals.words(told.head) is not None
        return (by_words and by_subject) or ((by_words or by_subject) and (told.attached or refused))
    return by_words and (told.attached or refused or "mailing list" in told.head)


_CODE_LINE = re.compile(
    r"^\W{0,8}5\d\d[ -]|(?:error code|said|error)[: ]+5\d\d\b", re.MULTILINE | re.IGNORECASE
)


def recipient(told: Told) -> str:
    """Who did not get it: as the header says, else as the text does, else whom the returned message was for."""
    if found := _first(told.failed):
        return found
    asked = _ASKED.search(told.text)
    return _in_text(told) or (normalise_address(asked[1])[:320] if asked else told.returned.recipient)


_ASKED = re.compile(r"\brcpt to: ?<?([^\s<>]+@[^\s<>]+)", re.IGNORECASE)


def _in_text(told: Told) -> str:
    ours = told.ours.lower()
    best, most = "", 0
    for found in _ANY.finditer(told.head):
        who = normalise_address(found[0])
        before = told.head[max(0, found.start() - 60) : found.start()]
        weight = _weight(told, before, who, ours)
        if weight > most:
            best, most = who, weight
    return best[:320]


def _weight(told: Told, before: str, who: str, ours: str) -> int:
    """How likely an address is the one that was not reached; 0: it is not."""
    line = before.rpartition("\n")[2]
    if _OTHERS.search(line) and not _MEANT.search(before):
        return 0
    weight = 1
    if who.lower() == told.returned.recipient.lower():
        weight += 4
    if re.fullmatch(r"[\s<*>\"'.-]*", line):
        weight += 3
    if _MEANT.search(before):
        weight += 3
    if who.lower() in ours:
        weight -= 3
    if _ROLES.match(who):
        weight -= 2
    return max(weight, 0)


def near(head: str, who: str) -> str:
    """What is said about one recipient: from its first mention on, and a little before."""
    at = head.lower().find(who.lower()) if who else -1
    if at < 0:
        return head[:MAX_HEAD]
    before = head[max(0, at - 80) : at]
    after = head[at : at + NEAR]
    next_one = next((m for m in _NEXT.finditer(after, 1) if m[1].lower() != who.lower()), None)
    return before[before.rfind("\n\n") + 1 :] + after[: next_one.start() if next_one else NEAR]


_NEXT = re.compile(r"^[ \t<\"]*([^\s<>\",:;]+@[^\s<>\",:;]+)", re.MULTILINE)


def _diagnostic(said: str) -> str:
    line = re.search(r"(?<![\d.])[45]\d\d[ :-][^\n]*(?:\n[ \t][^\n]*)*", said)
    return headers.one_line(" ".join((line[0] if line else said).split()))[:2_000]


def _notification(text: str) -> BounceReport | None:
    """Amazon SES through SNS: JSON, in an envelope of JSON or bare."""
    try:
        data: Any = json.JSONDecoder().raw_decode(text[text.index("{") :].replace("\n", ""))[0]
        data = json.loads(data["Message"]) if "Message" in data else data
        kind = str(data.get("notificationType") or data.get("eventType") or "").lower()
        ids = headers.ids(str(data["mail"].get("commonHeaders", {}).get("messageId", "")))
        part = data[kind]
        if kind == "delivery":
            who = headers.one_line(str(part["recipients"][0]))
            return BounceReport("delivered", who, original_message_id="".join(ids[:1]))
        if kind == "complaint":
            who = headers.one_line(str(part["complainedRecipients"][0]["emailAddress"]))
            return BounceReport("complaint", who, "", "abuse", "".join(ids[:1]))
        first = part["bouncedRecipients"][0]
        said, status = (headers.one_line(str(first.get(each, ""))) for each in ("diagnosticCode", "status"))
        who = normalise_address(headers.one_line(str(first["emailAddress"])))
        lasting = part.get("bounceType") == "Permanent"
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    why = refusals.reason(said, status, about=str(part.get("bounceSubType", "")))
    how = refusals.permanence(said, status, why, "permanent" if lasting else "")
    return BounceReport("failed", who, status, said[:2_000], "".join(ids[:1]), how, why)
