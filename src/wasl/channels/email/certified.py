"""Certified mail in Italy (PEC, D.M. 2 November 2005, RFC 6109): receipts, and the envelopes mail travels in.

Carriers say in `X-Ricevuta` what a receipt is, and in `X-Riferimento-Message-ID` which mail it is about. Neither is in
the form of RFC 3464, and the text is for people. Mail comes from the carrier's own address, "on behalf of" somebody
(`X-Trasporto`), with what that person wrote attached: who wrote is said inside, or all would be one customer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from wasl.channels.base import BounceKind, BounceReport, ParsedMessage, Reason, Unparseable, normalise_address
from wasl.channels.email import headers, refusals
from wasl.channels.email.headers import Fields

FIELD = b"x-ricevuta"
_KINDS: dict[str, BounceKind] = {
    "avvenuta-consegna": "delivered",
    "errore-consegna": "failed",
    "preavviso-errore-consegna": "delayed",
    "non-accettazione": "failed",
    "rilevazione-virus": "failed",
    "accettazione": "relayed",
    "presa-in-carico": "relayed",
}
_WHO = re.compile(
    r"(?:destinato all['’]utente|indirizzato a|diretto a|destinatario)\s*:?\s*[\"<«]?"
    r"([^\s\"<>«»@]{1,64}@[^\s\"<>«»@]{1,255})",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"(?:errore|error)[: ]+(.{3,400}?)(?:\n\s*(?:\n|il messaggio|identificativo)|$)",
    re.IGNORECASE | re.DOTALL,
)


ENVELOPE = b"x-trasporto"


def within(envelope: ParsedMessage, said: str, parse: Callable[[bytes], ParsedMessage]) -> ParsedMessage:
    """The mail in a carrier's envelope, as its writer sent it; the envelope where it holds none.

    `said` is the envelope's X-Trasporto. What our server found about the carrier's domain stays beside the mail: it
    proves nothing of the writer's (see `authentic`). The writer is believed only where the carrier names the same.
    """
    attached = [part for part in envelope.parts if part.content_type == "message/rfc822"]
    if said.strip().lower() != "posta-certificata" or len(attached) != 1:
        return envelope
    try:
        inner = parse(attached[0].content)
    except Unparseable:
        return envelope
    named = {each.identity_key for each in envelope.reply_to}
    shown = envelope.sender.name.lower()
    if inner.sender.identity_key not in named and inner.sender.address.lower() not in shown:
        return envelope
    return replace(inner, auth_results=envelope.auth_results, mark=envelope.mark, defects=envelope.defects)


def report(fields: Fields, text: str) -> BounceReport | None:
    """What a carrier's receipt says; None when it says nothing about a mail of ours."""
    kind = _KINDS.get(fields.plain(FIELD).strip().lower())
    if kind is None:
        return None
    ids = headers.ids(fields.plain(b"x-riferimento-message-id"))
    found = _WHO.search(text)
    who = normalise_address(found[1].rstrip(".,;"))[:320] if found else ""
    made = BounceReport(kind, who, original_message_id="".join(ids[:1]))
    if kind not in ("failed", "delayed"):
        return made
    said = _WHY.search(text)
    words = " ".join(said[1].split()) if said else ""
    status = refusals.STATUS.search(words)
    code = status[0] if status else ""
    why = refusals.reason(words, code, about=text[:2_000])
    how = "delayed" if kind == "delayed" else refusals.permanence(words, code, why, text[:2_000])
    if why is Reason.OTHER and "virus" in text.lower():
        why = Reason.UNWANTED
    return BounceReport(kind, who, code, words[:2_000], made.original_message_id, how, why)
