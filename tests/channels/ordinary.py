"""Mail that is no report on a mail of ours, and sounds as if it were: written in four languages, put together."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from itertools import product

AWAY = {
    "en": (
        "Automatic reply: Order 77",
        "I am out of the office. Urgent mail could not be delivered to my phone.",
    ),
    "fr": ("Réponse automatique : commande 77", "Je suis absent. Votre message n'a pas pu être lu."),
    "it": ("Risposta automatica: ordine 77", "Sono fuori ufficio. Non è stato possibile leggere la posta."),
    "ar": ("رد تلقائي: الطلب 77", "أنا خارج المكتب. لم يتم قراءة رسالتكم بعد."),
}
SAID = {
    "en": (
        "Delivery failure",
        "My parcel could not be delivered to the following address:\n\n550 Park Avenue\n",
    ),
    "fr": ("Échec de livraison", "Le colis n'a pas pu être livré à l'adresse : 12 rue Haute. Boîte pleine ?"),
    "it": ("Mancata consegna del pacco", "Impossibile consegnare il pacco. Indirizzo sconosciuto, dicono."),
    "ar": ("فشل تسليم الطرد", "تعذر تسليم الطرد إلى العنوان. العنوان غير معروف؟"),
}
ASKED = {
    "en": (
        "Undeliverable mail",
        "When I write to amal@example.net it comes back: 550 5.1.1 User unknown. Why?",
    ),
    "fr": (
        "Message non remis",
        "Quand j'écris à amal@example.net je reçois « 550 5.1.1 User unknown ». Pourquoi ?",
    ),
    "it": ("Posta non recapitata", "Se scrivo a amal@example.net torna indietro: casella piena. Come mai?"),
    "ar": ("رسالة لم تصل", "عندما أكتب إلى amal@example.net يعود البريد: 550 5.1.1 User unknown. لماذا؟"),
}
SENDERS = {
    "person": "Amal Khoury <amal@example.net>",
    "courier": "Parcels <no-reply@parcels.example>",
    "master": "Dana Roth <dana.roth@post-masters.example>",
    "team": "Delivery team <delivery@shop.example>",
}
LISTED = {
    "List-Id": "<friends.example.org>",
    "Precedence": "list",
    "List-Unsubscribe": "<mailto:u@example.org>",
}
HEADERS: dict[str, dict[str, str]] = {
    "plain": {},
    "replied": {"Auto-Submitted": "auto-replied", "Return-Path": "<>"},
    "exchange": {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    "list": LISTED,
}


def message(sender: str, subject: str, text: str, headers: dict[str, str]) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "help@shop.example", subject
    made["Message-ID"], made["Date"] = "<m1@example.net>", "Thu, 01 Jan 2026 10:00:00 +0000"
    for name, value in headers.items():
        made[name] = value
    made.set_content(text)
    return made


def ordinary() -> Iterator[tuple[str, bytes]]:
    """(what it is, the mail), more than 200 of them."""
    for (kind, sender), (how, headers), (what, texts) in product(
        SENDERS.items(), HEADERS.items(), (("away", AWAY), ("said", SAID), ("asked", ASKED))
    ):
        for language, (subject, text) in texts.items():
            yield f"{what}-{kind}-{how}-{language}", message(sender, subject, text, headers).as_bytes()
    for language, (subject, text) in SAID.items():
        yield f"reply-{language}", message(SENDERS["person"], f"Re: {subject}", text, {}).as_bytes()
        yield f"forward-{language}", _with_report(subject, text).as_bytes()
        yield f"receipt-{language}", _receipt(subject).as_bytes()


REPORT = (
    b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\nSorry.\n"
    b"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
    b"Final-Recipient: rfc822; omar@example.org\nAction: failed\nStatus: 5.1.1\n\n--x--\n"
)


def _with_report(subject: str, text: str) -> EmailMessage:
    """A person passes on a report that they got."""
    made = message(SENDERS["person"], f"Fwd: {subject}", text, {})
    part = MIMEPart()
    part.set_content(REPORT, "application", "octet-stream", filename="report.eml")
    made.make_mixed()
    made.attach(part)
    return made


def _receipt(subject: str) -> EmailMessage:
    """The recipient's program says that the mail was shown (RFC 8098)."""
    made = message(SENDERS["person"], f"Read: {subject}", "Your message was displayed.", {})
    made.make_mixed()
    made.replace_header("Content-Type", "multipart/report; report-type=disposition-notification; boundary=y")
    part = MIMEPart()
    part.set_content(
        "Final-Recipient: rfc822;amal@example.net\nDisposition: manual-action/MDN-sent; displayed\n"
    )
    part.replace_header("Content-Type", "message/disposition-notification")
    made.attach(part)
    return made
