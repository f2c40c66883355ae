"""The form of a chat channel's inbox, made of the fields that the channel asks for."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from wasl.channels.chat_inboxes import ADDRESS, ChatInbox, settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Channel, Field
from wasl.workspace.inbox_forms import InboxForm

PREFIX = "at_"
_LINK = re.compile(r"https?://[^\s/@]+(/\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A field on the page."""

    field: forms.BoundField
    label: str
    help: str
    kind: str
    ltr: bool
    options: list[tuple[str, str]]


class ChatForm(InboxForm):
    """Name, language, teams, and what the channel needs. Secrets are never shown; an empty one stays as it is."""

    def __init__(self, channel: Channel, inbox: Inbox, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._asked = [each for each in channel.fields if not each.made]
        self._known = settings_of(inbox)
        for each in self._asked:
            self.fields[PREFIX + each.name] = self._field(each)

    def _field(self, asked: Field) -> forms.Field:
        initial = (
            self._known.address if asked.name == ADDRESS else self._known.text(asked.name, asked.default)
        )
        secret = asked.kind == "secret"
        needed = asked.required and not (secret and self._known.secrets.get(asked.name))
        if asked.options:
            known = initial if initial in dict(asked.options) else asked.default
            return forms.ChoiceField(choices=asked.options, required=needed, initial=known)
        return forms.CharField(
            required=needed,
            max_length=4000 if secret else 500,
            initial=None if secret else initial,
            validators=[_Shape(asked)],
            error_messages={"required": _("Enter it: without it the channel cannot work.")},
        )

    def lines(self) -> list[Line]:
        """The channel's fields in order."""
        return [
            Line(
                self[PREFIX + each.name],
                _(each.label),
                self._help(each),
                "password" if each.kind == "secret" else "text",
                each.kind != "words",
                [(value, _(words)) for value, words in each.options],
            )
            for each in self._asked
        ]

    def _help(self, asked: Field) -> str:
        if asked.kind == "secret" and self._known.secrets.get(asked.name):
            return _("Empty: the one that is kept stays.")
        if asked.kind == "secret" and self.is_bound and self.data.get(PREFIX + asked.name):
            return _("Enter it once more: what is secret is not shown again.")
        return _(asked.help) if asked.help else ""

    @property
    def values(self) -> dict[str, str]:
        """What was entered, by the channel's names."""
        return {each.name: self.cleaned_data.get(PREFIX + each.name) or "" for each in self._asked}

    def wanted(self) -> ChatInbox:
        """What was typed, understood; the form is valid."""
        data = self.cleaned_data
        return ChatInbox(
            name=data["name"],
            language=data["language"],
            values=self.values,
            teams=self.team_ids,
        )


class _Shape:
    """Refuses what cannot be what a field asks for, and says how it is written."""

    def __init__(self, asked: Field) -> None:
        self._asked = asked

    def __call__(self, said: str) -> None:
        if self._asked.kind == "link" and not _LINK.fullmatch(said):
            raise ValidationError(_("This is not a web address. Write it as https://www.example.com."))
        if self._asked.shape and not re.fullmatch(self._asked.shape, said):
            right = _(self._asked.help) if self._asked.help else ""
            raise ValidationError(" ".join(filter(None, (_("This cannot be right."), right))))
