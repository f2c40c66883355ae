"""What a chat message is beside its words: a place, a voice message, something unsupported; edits and reactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from wasl.workspace.format import isolated
from wasl.workspace.shapes import visits

KINDS = {
    "story_reply": ("reply", gettext_noop("Answer to your story")),
    "story_mention": ("at", gettext_noop("Named you in their story")),
    "share": ("link", gettext_noop("Something they passed on")),
    "voice": ("phone", gettext_noop("Voice message")),
    "image": ("image", gettext_noop("Picture")),
    "video": ("image", gettext_noop("Video")),
    "audio": ("phone", gettext_noop("Sound")),
    "sticker": ("image", gettext_noop("Sticker")),
    "contacts": ("users", gettext_noop("Contacts")),
    "order": ("box", gettext_noop("Order from the catalogue")),
    "address": ("mail", gettext_noop("Left an address for later; nothing proves that it is theirs")),
    "choice": ("check", gettext_noop("Chosen from a list")),
    "form": ("form", gettext_noop("Form that was filled in")),
    "call": ("phone", gettext_noop("Call")),
    "missed_call": ("phone", gettext_noop("Missed call")),
    "voicemail": ("phone", gettext_noop("Voice message on the answering machine")),
    "permission": ("phone", gettext_noop("Whether we may call")),
}
"""Kinds of message that need nothing but a name: icon and name, to be translated."""


@dataclass(frozen=True, slots=True)
class About:
    """A line in a message. `raw` is for administrators only."""

    icon: str
    text: str
    link: str = ""
    raw: str = ""


def about(meta: Mapping[str, Any]) -> list[About]:
    """The lines of a message; none for most."""
    if meta.get("deleted_at"):
        gone = _("Removed, by its writer or by you") if public(meta) else _("Deleted by its writer")
        return [About("x", gone)]
    content = meta.get("content") or {}
    found = [_kind(str(meta.get("kind") or ""), content), *_around(content)]
    found += [_file(each) for each in meta.get("media", ())]
    if offered := meta.get("choices"):
        found.append(About("list", " · ".join(isolated(str(each)) for each in offered)))
    if meta.get("edited_at"):
        found.append(About("tune", _("Edited")))
    if (meta.get("hidden") or [False])[0]:
        found.append(About("lock", _("Hidden: only its writer and their friends see it")))
    return [each for each in found if each]


def _around(content: Mapping[str, Any]) -> list[About | None]:
    """What stands beside the words: that they were passed on, what led here, what they are about."""
    found: list[About | None] = []
    if passed := content.get("forwarded"):
        often = (
            _("Passed on, and many times before") if passed == "often" else _("Passed on from another talk")
        )
        found.append(About("send", often))
    referral, product = content.get("referral"), content.get("product")
    if isinstance(referral, Mapping):
        headline, link = str(referral.get("headline") or ""), str(referral.get("source_url") or "")
        said = _("Came by an advertisement: %(headline)s") % {"headline": isolated(headline)}
        plain = said if headline else _("Came by an advertisement")
        found.append(About("link", plain, link if link.startswith("https://") else ""))
    if isinstance(product, Mapping) and product.get("id"):
        found.append(About("box", _("About the product %(id)s") % {"id": isolated(str(product["id"]))}))
    if content.get("group"):
        found.append(About("users", _("Written in a group")))
    return found


def _file(media: Mapping[str, Any]) -> About | None:
    """A file that is still with the provider, or that could not be had; one that was fetched is an attachment."""
    name = {"name": isolated(str(media.get("name") or ""))}
    if why := str(media.get("why") or ""):
        said = {
            "too_large": _("%(name)s is too large to be kept."),
            "wrong_type": _("%(name)s is not what it was said to be, and was not kept."),
            "sign_in": _("%(name)s could not be fetched: the inbox may not sign in."),
            "account": _("%(name)s could not be fetched: the inbox may not sign in."),
        }
        return About("alert", said.get(why, _("%(name)s is no longer with the provider.")) % name)
    return None if media.get("done") else About("attach", _("%(name)s is being fetched") % name)


def public(meta: Mapping[str, Any]) -> bool | None:
    """Whether everybody can read it: a comment, a mention, and what is answered below them; False for what was
    answered to their authors alone, None where the question does not arise."""
    said = (meta.get("content") or {}).get("public")
    return said if isinstance(said, bool) else None


def reactions(meta: Mapping[str, Any]) -> list[str]:
    """The emoji that stand under a message, each once."""
    given = [value[0] for value in (meta.get("reactions") or {}).values()]
    return [emoji for emoji in dict.fromkeys(given) if emoji]


def _kind(kind: str, content: Mapping[str, Any]) -> About | None:
    if kind == "location":
        place = f"mlat={content['latitude']}&mlon={content['longitude']}"
        return About("globe", _("Place on the map"), f"https://www.openstreetmap.org/?{place}")
    if kind == "visit":
        return About("store", visits.about(content))
    if kind == "unsupported":
        return About("question", _("Content that is not supported"), raw=str(content.get("raw", "")))
    if kind in ("comment", "mention"):
        return _in_public(kind, str(content.get("permalink") or ""))
    if kind not in KINDS:
        return None
    icon, name = KINDS[kind]
    return About(icon, _(name))


def _in_public(kind: str, link: str) -> About:
    said = _("Comment below a post") if kind == "comment" else _("Named you in public")
    return About("globe", said, link if link.startswith("https://") else "")
