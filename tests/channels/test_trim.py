"""Trimming hides what was quoted and signed, never what was written, and nothing is lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.corpus import LANGUAGES, Reply, development, ours
from tests.channels.work import calls
from wasl.channels.email.trim import signs
from wasl.channels.email.trim.decide import Kind
from wasl.channels.email.trim.split import split, written

PARTS = ("first", "held")


def agreement(replies: list[Reply]) -> tuple[float, list[str]]:
    wrong = [reply.name for reply in replies if not reply.agrees(written(reply.text))]
    return 1 - len(wrong) / len(replies), wrong


def test_agreement_with_the_development_data(samples: Path) -> None:
    share, wrong = agreement(development(samples))
    assert share >= 0.92, wrong


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_agreement_with_our_own_replies(language: str, part: str) -> None:
    replies = ours(language, part)
    assert len(replies) >= 13, "at least 25 in all"
    share, wrong = agreement(replies)
    assert share >= 0.90, wrong


@pytest.mark.parametrize("reply", ours("world", "first"), ids=lambda reply: reply.name)
def test_replies_of_the_rest_of_the_world(reply: Reply) -> None:
    assert reply.agrees(written(reply.text))


def test_replies_of_many_more_programs_and_prose_that_looks_like_them() -> None:
    share, wrong = agreement(ours("world", "more"))
    assert share == 1, wrong


def test_where_somebody_wrote_something_remains(samples: Path) -> None:
    replies = [
        *development(samples),
        *(reply for language in LANGUAGES for part in PARTS for reply in ours(language, part)),
    ]
    assert [reply.name for reply in replies if reply.expected.strip() and not written(reply.text)] == []


LINES = st.lists(
    st.sampled_from(
        [
            "",
            "I wrote this",
            "> quoted",
            ">>> A <a@b.example> 12/03/2024 15:45 >>>",
            "Message du 12/03/24 15:45",
            ">> deeper",
            "On 12 Mar 2024 at 15:45, A <a@b.example> wrote:",
            "في ١٢ مارس ٢٠٢٤، الساعة ٣:٤٥ م، كتب A <a@b.example>:",
            "From: A <a@b.example>",
            "Sent: 12 March",
            "Subject: x",
            "-----Original Message-----",
            "---------- Forwarded message ---------",
            "-- ",
            "________________",
            "Sent from my iPhone",
            "```",
            "x" * 500,
        ]
    ),
    max_size=30,
)


@given(LINES)
def test_no_letter_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "".join(piece.text for piece in split(text)) == text


@given(st.text(max_size=300))
def test_any_text_can_be_taken_apart(text: str) -> None:
    assert "".join(piece.text for piece in split(text)) == text
    written(text)


HISTORY = st.sampled_from(
    [
        "\nOn 12 Mar 2024 at 15:45, A <a@b.example> wrote:\n> Hello\n> there",
        "\n-----Original Message-----\nFrom: A\nSent: 12 March\n\nHello",
        "\n________________________________\nDa: A <a@b.example>\nInviato: lunedì\nA: B\nOggetto: x\n\nCiao",
        "\nفي الثلاثاء، ١٢ مارس ٢٠٢٤ ٠٣:٤٥ م، كتب A <a@b.example>:\n\nمرحبا",
        "\nEnvoyé de mon iPhone\n\n> Le 12 mars 2024 à 15:45, A <a@b.example> a écrit :\n> \n> Bonjour",
        "\n-- \nSomebody\n+39 02 0000",
        "",
    ]
)


@given(
    st.lists(
        st.text(alphabet="abc دé,.!?", min_size=1).filter(lambda s: s.strip(" .")), min_size=1, max_size=8
    ),
    HISTORY,
)
def test_what_was_written_above_history_stays_whole(lines: list[str], history: str) -> None:
    above = "\n".join(lines)
    assert written(f"{above}\n{history}").split() == above.split()


@pytest.mark.parametrize(
    "text",
    [
        "Sent from my iPhone",
        "> Email with only quote.",
        "-- \nAmal",
        "This message and any attachments are confidential. If you are not the intended recipient, delete it at once.",
        "> Begin forwarded message:\n>\n> From: A <a@b.example>\n> Subject: x\n> Date: 1 May\n>\n> The lamp is broken.",
        "---------- Forwarded message ----------\nFrom: A <a@b.example>\nDate: 1 May\nSubject: x\n\nLamp.",
        "Sent from my iPhone\n\nBegin forwarded message:\n\nFrom: A <a@b.example>\nSubject: x\nTo: b@c.d\n\nLamp.",
    ],
)
def test_a_message_is_never_hidden_whole(text: str) -> None:
    assert written(text)


def test_a_reply_with_nothing_but_the_quotation_says_so() -> None:
    assert written("> On 12 Mar 2024 at 15:45, A <a@b.example> wrote:\n> Hello") == ""
    assert written("On 12 Mar 2024 at 15:45, A <a@b.example> wrote:\n> Hello") == ""


CARD = "Bonjour\n\nLe colis est arrivé.\n\nCordialement,\n\nJean Dupont\n{}"


@pytest.mark.parametrize(
    ("below", "kept"),
    [
        ("Responsable achats\nTél : 01 23 45 67 89\nwww.exemple.example", ""),
        ("Atelier Dupont\n\n12 rue des Lilas\n\njean@dupont.example", ""),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("Responsable achats\nAtelier Dupont", "Responsable achats Atelier Dupont"),
        ("Quand venez-vous ?\n06 12 34 56 78", "Quand venez-vous ? 06 12 34 56 78"),
    ],
)
def test_a_visiting_card_below_a_greeting_is_signature(below: str, kept: str) -> None:
    assert written(CARD.format(below)).split() == f"{CARD.format('')} {kept}".split()


def test_pieces_say_what_they_are() -> None:
    text = "Yes\n\n-- \nAmal\n\nOn 12 Mar 2024 at 15:45, A <a@b.example> wrote:\n> Hello\n"
    assert [(piece.kind, piece.text.split()[0]) for piece in split(text)] == [
        (Kind.WRITTEN, "Yes"),
        (Kind.SIGNATURE, "--"),
        (Kind.QUOTED, "On"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Envoyé depuis l'application Mail Orange",
        "Envoyé à partir de Outlook pour Android",
        "Inviato dal mio smartphone Samsung Galaxy.",
        "Scarica Outlook per iOS<https://aka.ms/o0ukef>",
        "أُرسلت من الـ iPhone",
        "مرسل من هاتفي",
        "تم الإرسال من Yahoo Mail على Android",
        "احصل على Outlook لـ Android",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Enviado desde mi iPhone",
        "Enviado do meu telemóvel",
        "Verstuurd vanaf mijn iPad",
        "Sendt fra min iPhone",
        "Skickat från min iPhone",
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "iPhone'umdan gönderildi",
        "发自我的iPhone",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
    ],
)
def test_what_telephones_say_of_themselves(line: str) -> None:
    assert signs.is_mobile(signs.words.bare(line))


@pytest.mark.parametrize(
    "line",
    [
        "I sent the parcel back on Monday.",
        "Sent back on Monday, have you received it?",
        "Envoyé par la poste à mon adresse",
        "Inviato il bonifico ieri",
        "Sent from my desk, is much easier than my mobile phone.",
        "Can I get Outlook invitations for the visit?",
        "أرسلت الطرد أمس",
        "Mail me the invoice",
    ],
)
def test_what_people_say_of_sending(line: str) -> None:
    assert not signs.is_mobile(signs.words.bare(line))


HOSTILE = {
    "introductions": "On 3 Mar at 10:00, a@b.example said and wrote\n",
    "colons": "b wrote:\n",
    "addresses never closed": "On 3 May <a@b.example:\n",
    "one long line": "On 3 x@y wrote: ",
    "strokes": "-",
    "lines of strokes": "---\n",
    "quotes": ">",
    "lines of quotes": "> a\nb\n",
    "headers": "From: a@b.example\n",
    "telephones": "Sent from my iPhone\n",
    "signature marks": "-- \na\n",
    "legal words": "confidential intended recipient delete ",
    "legal paragraphs": "confidential intended recipient delete confidential intended recipient delete attachments\n\n",
    "fences": "```\n",
    "blank lines": "\n",
    "spaces": " ",
    "initials": "AB> ",
    "nothing closed": '<("[',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_grows_with_the_length_and_no_faster(name: str) -> None:
    piece = HOSTILE[name]
    small, large = (calls(written, piece * (size // len(piece))) for size in (20_000, 80_000))
    assert large <= 4.5 * small + 500
    assert small <= 60 * 20_000


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)
def test_a_megabyte_of_it_is_taken_apart(name: str) -> None:
    piece = HOSTILE[name]
    text = piece * (1_000_000 // len(piece))
    assert "".join(part.text for part in split(text)) == text
