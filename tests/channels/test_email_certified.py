"""Certified mail (PEC): the writer is who is inside the envelope, and receipts are reports on mail of ours."""

import pytest

from wasl.channels.base import BounceReport, Reason
from wasl.channels.email.parse import parse

INNER = (
    "From: Paolo Rossi <paolo@rossi.example>\nTo: support@dar-zaytun.example\nSubject: Ordine firmato\n"
    "Message-ID: <42@rossi.example>\nContent-Type: text/plain; charset=utf-8\n\nIn allegato l’ordine.\n"
)
ENVELOPE = (
    'From: "Per conto di: {named}" <posta-certificata@gestore.example>\nReply-To: {named}\nTo: s@x.example\n'
    "Subject: POSTA CERTIFICATA: Ordine firmato\nX-Trasporto: posta-certificata\nMessage-ID: <opec1@gestore.example>\n"
    "Content-Type: multipart/mixed; boundary=p\n\n--p\nContent-Type: text/plain\n\nMessaggio di posta certificata\n"
    "--p\nContent-Type: application/xml; name=daticert.xml\n\n<postacert/>\n"
    "--p\nContent-Type: message/rfc822; name=postacert.eml\n\n{inner}\n--p--\n"
)
RECEIPT = (
    "From: posta-certificata@gestore.example\nTo: support@dar-zaytun.example\nSubject: {subject}\nX-Ricevuta: {kind}\n"
    "X-Riferimento-Message-ID: <17@dar-zaytun.example>\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
)
FAILED = (
    "Il giorno 04/03/2024 nel messaggio “Ordine” proveniente da “support@dar-zaytun.example”\ne destinato all’utente "
    '"paolo@rossi.example"\nè stato rilevato un errore 5.1.1 - Pec - indirizzo non valido.\nIl messaggio è rifiutato.'
)


def test_who_wrote_is_said_inside_the_envelope() -> None:
    message = parse(ENVELOPE.format(named="paolo@rossi.example", inner=INNER).encode())
    assert (message.sender.address, message.subject) == ("paolo@rossi.example", "Ordine firmato")
    assert (message.text.strip(), message.message_id) == ("In allegato l’ordine.", "42@rossi.example")
    assert message.parts == ()


def test_a_writer_whom_the_carrier_does_not_name_is_not_believed() -> None:
    message = parse(ENVELOPE.format(named="amal@example.org", inner=INNER).encode())
    assert message.sender.address == "posta-certificata@gestore.example"


def test_envelopes_in_envelopes_are_opened_once() -> None:
    twice = ENVELOPE.format(named="x@y.example", inner=INNER)
    for _ in range(40):
        twice = ENVELOPE.format(named="posta-certificata@gestore.example", inner=twice)
    assert parse(twice.encode()).sender.address == "posta-certificata@gestore.example"


@pytest.mark.parametrize(
    ("kind", "subject", "text", "expected"),
    [
        (
            *("errore-consegna", "AVVISO DI MANCATA CONSEGNA: Ordine", FAILED),
            ("failed", "paolo@rossi.example", "5.1.1", "permanent", Reason.ADDRESS_UNKNOWN),
        ),
        (
            *(
                "preavviso-errore-consegna",
                "AVVISO DI MANCATA CONSEGNA: Ordine",
                "destinato all’utente paolo@rossi.example",
            ),
            ("delayed", "paolo@rossi.example", "", "delayed", Reason.OTHER),
        ),
        (
            *(
                "avvenuta-consegna",
                "CONSEGNA: Ordine",
                'indirizzato a "paolo@rossi.example"\nè stato consegnato',
            ),
            ("delivered", "paolo@rossi.example", "", "unknown", Reason.OTHER),
        ),
    ],
)
def test_receipts_are_reports(kind: str, subject: str, text: str, expected: tuple[object, ...]) -> None:
    found = parse(RECEIPT.format(kind=kind, subject=subject, text=text).encode()).bounce
    assert isinstance(found, BounceReport)
    assert (found.kind, found.recipient, found.status, found.permanence, found.reason) == expected
    assert found.original_message_id == "17@dar-zaytun.example"
