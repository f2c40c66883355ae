"""3D models as a page shows them, an agent's or a customer's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from wasl.conversations import loose
from wasl.conversations.loose import Loose
from wasl.conversations.models import Attachment
from wasl.conversations.showing import Arranged, Model, arrange
from wasl.kit.scenes import MODELS

PHOTO_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
SOUND_TYPES = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav", "audio/x-wav", "audio/webm"}
)
SHOWN_TYPES = PHOTO_TYPES | SOUND_TYPES | MODELS
"""What is given out as what it is, to be looked at; anything else only to be kept."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A model, by addresses: to keep; for our viewer, Apple's and Android's ('' where there is nothing for it); and its
    picture."""

    file: Attachment
    keep: str
    drawn: str
    apple: str
    scene: str
    poster: str


def arranged(files: Sequence[Attachment]) -> Arranged[Attachment]:
    """The loose files of a message."""
    return arrange(files, PHOTO_TYPES)


def seen(models: Sequence[Model[Attachment]], address: Callable[[Attachment], str]) -> list[Seen]:
    """The models of a message, whose files lie where `address` says."""
    return [_seen(each, lambda file: f"{address(file)}?show=1" if file else "", address) for each in models]


def _seen(
    model: Model[Attachment],
    shown: Callable[[Attachment | None], str],
    address: Callable[[Attachment], str],
) -> Seen:
    return Seen(
        model.file,
        address(model.file),
        shown(model.drawn),
        shown(model.apple),
        _scene(model.drawn) if model.drawn else "",
        shown(model.poster),
    )


def _scene(file: Attachment) -> str:
    """The whole address for a program that asks for it by itself; only over HTTPS, which it insists on."""
    if not settings.ENV.public_url.startswith("https://"):
        return ""
    token = loose.token(Loose(file.workspace_id, file.id))
    return f"{settings.ENV.public_url.rstrip('/')}{reverse('model_file', args=[token])}"
