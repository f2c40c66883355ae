"""The composer of a conversation: an answer and a note, each with the draft that is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from markupsafe import Markup

from wasl.accounts.actor import Actor
from wasl.channels.base import Address
from wasl.conversations import company, drafts, rich
from wasl.conversations.models import DraftFile
from wasl.conversations.reply import CannotReply, recipient, signature
from wasl.workspace.format import file_kind, isolated, size
from wasl.workspace.shapes.scenes import PHOTO_TYPES

BLANK = UUID(int=0)


@dataclass(frozen=True, slots=True)
class File:
    """A file that is laid into a draft. `picture` is an address where it can be looked at, '' for what cannot."""

    id: UUID
    name: str
    about: str
    picture: str


@dataclass(frozen=True, slots=True)
class Form:
    """One of the two. `version` is the draft's (0: none), `known` how far its writer had read when they began."""

    way: str
    key: UUID
    version: int
    known: str
    text: str
    html: Markup
    files: list[File]


@dataclass(frozen=True, slots=True)
class Composer:
    """Both, and what stands under every answer."""

    forms: list[Form]
    signature: str
    known: str
    to: Address | None = None
    copies: Sequence[Address] = ()


def composer(actor: Actor, row: Any, known: str) -> Composer | None:
    """The composer of a conversation (with its inbox) that has come as far as `known`; None for those who only read."""
    if not actor.writes or actor.agent_id is None:
        return None
    kept = drafts.of(actor, row.id)
    forms = [form(kept[way], known) for way in drafts.WAYS]
    return Composer(forms, signature(actor, row.inbox), known, *_answered(row))


def _answered(row: Any) -> tuple[Address | None, Sequence[Address]]:
    """Who is answered by mail, and who takes part beside them."""
    if row.inbox.channel != "email":
        return None, ()
    heard = company.heard(row.id)
    try:
        to = recipient(row, heard)
    except CannotReply:
        return None, ()
    return Address(to.name, to.display), company.copied(row.id, to.display, known=heard)


def form(kept: drafts.Kept, known: str = "") -> Form:
    """A draft as the page holds it."""
    address = reverse("draft_file", args=[BLANK]).replace(str(BLANK), "{}")
    html = rich.for_editor(kept.html, kept.text, address)
    files = [shown(file) for file in kept.files]
    began = str(kept.meta.get("known") or known) if kept.version else known
    return Form(kept.way, kept.key, kept.version, began, kept.text, Markup(html), files)  # noqa: S704 - cleaned


def shown(file: DraftFile) -> File:
    """One file."""
    picture = reverse("draft_file", args=[file.id]) if file.content_type in PHOTO_TYPES else ""
    about = f"{isolated(file_kind(file.filename, file.content_type))} · {isolated(size(file.size))}"
    return File(file.id, file.filename, about, picture)


def as_json(one: Form) -> Mapping[str, Any]:
    """The same for scripts."""
    return {
        "way": one.way,
        "key": str(one.key),
        "version": one.version,
        "known": one.known,
        "html": str(one.html),
        "files": [file_json(file) for file in one.files],
    }


def file_json(file: File) -> Mapping[str, Any]:
    """One file for scripts; its id as it stands in `data-cid`."""
    return {"id": str(file.id), "name": file.name, "about": file.about, "picture": file.picture}
