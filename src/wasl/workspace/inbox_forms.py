"""The forms of inboxes: what an administrator types, and what it means."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _

from wasl.accounts.models import Team
from wasl.channels.actions import MailInbox
from wasl.channels.email.outside import IMAP_PORTS, PROVIDERS, SMTP_PORTS, After, Imap, Opening, Smtp, Tls
from wasl.channels.queries import Kept
from wasl.kit.languages import LANGUAGES

TLS = [("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "none")]
_HOST = re.compile(r"[^\s/@<>\"'\\]{1,253}")

INCOMING = ("imap_host", "imap_port", "imap_user", "imap_password", "client_id", "client_secret", "refresh_token",
            "token_url", "folder", "after_folder")  # fmt: skip
OUTGOING = ("address", "smtp_host", "smtp_port", "smtp_user", "smtp_password")


class InboxForm(forms.Form):
    """What every inbox has."""

    name = forms.CharField(max_length=80)
    language = forms.ChoiceField(choices=LANGUAGES)
    teams = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, teams: Iterable[Team] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        cast("forms.MultipleChoiceField", self.fields["teams"]).choices = [(str(t.id), t.name) for t in teams]

    @property
    def team_ids(self) -> list[UUID]:
        """The teams that were chosen."""
        return [UUID(each) for each in self.cleaned_data["teams"]]


class ApiForm(InboxForm):
    """An inbox into which programs hand messages; its address is a slug."""

    address = forms.CharField(max_length=254)


def _secret() -> forms.CharField:
    return forms.CharField(required=False, strip=False, max_length=4000)


class MailForm(InboxForm):
    """An e-mail inbox. Secrets are never shown; an empty one leaves what is kept."""

    address = forms.CharField(max_length=254)
    signature = forms.CharField(required=False, max_length=2000)
    plus = forms.BooleanField(required=False)
    incoming = forms.ChoiceField(choices=[("deliver", "deliver"), ("imap", "imap")])
    provider = forms.ChoiceField(
        required=False, choices=[("other", "other"), ("google", "google"), ("microsoft", "microsoft")]
    )
    imap_host = forms.CharField(required=False, max_length=253)
    imap_port = forms.IntegerField(required=False, min_value=1, max_value=65535)
    imap_tls = forms.ChoiceField(required=False, choices=TLS)
    imap_user = forms.CharField(required=False, max_length=254)
    auth = forms.ChoiceField(required=False, choices=[("password", "password"), ("oauth", "oauth")])
    imap_password = _secret()
    client_id = forms.CharField(required=False, max_length=300)
    client_secret = _secret()
    refresh_token = _secret()
    token_url = forms.CharField(required=False, max_length=500)
    folder = forms.CharField(required=False, max_length=250)
    after = forms.ChoiceField(
        required=False, choices=[("leave", "leave"), ("seen", "seen"), ("move", "move")]
    )
    after_folder = forms.CharField(required=False, max_length=250)
    since = forms.DateField(required=False)
    outgoing = forms.ChoiceField(choices=[("relay", "relay"), ("own", "own")])
    smtp_host = forms.CharField(required=False, max_length=253)
    smtp_port = forms.IntegerField(required=False, min_value=1, max_value=65535)
    smtp_tls = forms.ChoiceField(required=False, choices=TLS)
    smtp_user = forms.CharField(required=False, max_length=254)
    smtp_password = _secret()

    def clean(self) -> dict[str, Any]:
        """What belongs together."""
        data = super().clean() or {}
        if data.get("incoming") == "imap":
            self._clean_imap(data)
        if data.get("outgoing") == "own":
            self._host(data, "smtp_host")
        return data

    def _clean_imap(self, data: dict[str, Any]) -> None:
        if data.get("provider") not in PROVIDERS:
            self._host(data, "imap_host")
        self._need(data, "imap_user", _("Enter the sign-in name."))
        if data.get("auth") == "oauth":
            self._need(data, "client_id", _("Enter the client ID."))
            if data.get("provider") not in PROVIDERS:
                self._need(data, "token_url", _("Enter the address of the token service."))
                if data.get("token_url") and not re.match(r"https?://[^\s/]+", data["token_url"]):
                    self.add_error("token_url", _("It begins with https://."))
        if data.get("after") == "move":
            self._need(data, "after_folder", _("Enter the folder."))

    def _host(self, data: dict[str, Any], name: str) -> None:
        self._need(data, name, _("Enter the name of the server."))
        if data.get(name) and not _HOST.fullmatch(data[name]):
            self.add_error(name, _("This is no name of a server, such as mail.example.com."))

    def _need(self, data: dict[str, Any], name: str, words: str) -> None:
        if not data.get(name) and name not in self.errors:
            self.add_error(name, words)

    def wanted(self) -> MailInbox:
        """What was typed, understood; the form is valid."""
        data = self.cleaned_data
        since = data["since"]
        return MailInbox(
            name=data["name"],
            address=data["address"],
            language=data["language"],
            teams=self.team_ids,
            signature=data["signature"],
            plus=data["plus"],
            imap=self.imap() if data["incoming"] == "imap" else None,
            opening=self.opening(),
            since=datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None,
            smtp=self.smtp() if data["outgoing"] == "own" else None,
            password=data["smtp_password"] or None,
        )

    def imap(self) -> Imap:
        """The mailbox that was typed."""
        data = self.cleaned_data
        tls = cast("Tls", data.get("imap_tls") or "tls")
        provider = PROVIDERS.get(data.get("provider", ""))
        is_oauth = data.get("auth") == "oauth"
        return Imap(
            host=provider.imap if provider else data.get("imap_host", ""),
            port=993 if provider else data.get("imap_port") or IMAP_PORTS[tls],
            tls="tls" if provider else tls,
            user=data.get("imap_user", ""),
            auth="oauth" if is_oauth else "password",
            client_id=data.get("client_id", "") if is_oauth else "",
            token_url=(provider.token_url if provider else data.get("token_url", "")) if is_oauth else "",
            scope=provider.scope if provider and is_oauth else "",
            folder=data.get("folder") or "INBOX",
            after=cast("After", data.get("after") or "leave"),
            after_folder=data.get("after_folder", "") if data.get("after") == "move" else "",
        )

    def opening(self) -> Opening | None:
        """The secrets that were typed, None when none was."""
        data = self.cleaned_data
        if data.get("auth") == "oauth":
            found = Opening(
                client_secret=data.get("client_secret", ""), refresh_token=data.get("refresh_token", "")
            )
        else:
            found = Opening(password=data.get("imap_password", ""))
        return found if found != Opening() else None

    def smtp(self) -> Smtp:
        """The server that was typed."""
        data = self.cleaned_data
        tls = cast("Tls", data.get("smtp_tls") or "starttls")
        port = data.get("smtp_port") or SMTP_PORTS[tls]
        return Smtp(data.get("smtp_host", ""), port, tls, data.get("smtp_user", ""))

    def first_error(self, names: Iterable[str]) -> str:
        """What is wrong with one of these fields; '' when nothing is."""
        return next((str(self.errors[name][0]) for name in names if name in self.errors), "")


def initial(kept: Kept) -> dict[str, Any]:
    """How an inbox stands in its form: everything but the secrets."""
    inbox = kept.inbox
    found: dict[str, Any] = {
        "name": inbox.name,
        "address": inbox.address,
        "language": inbox.language,
        "teams": [str(team.id) for team in kept.teams],
    }
    if inbox.channel != "email":
        return found
    imap, smtp = Imap.of(inbox.config), Smtp.of(inbox.config)
    found |= DEFAULTS | {
        "signature": inbox.config.get("signature", ""),
        "plus": inbox.config.get("plus", True),
        "incoming": "imap" if imap else "deliver",
        "outgoing": "own" if smtp else "relay",
    }
    if imap:
        provider = next((key for key, p in PROVIDERS.items() if p.imap == imap.host), "other")
        shown = {name: getattr(imap, name) for name in _AS_IT_IS}
        found |= shown | {
            "provider": provider, "imap_host": imap.host, "imap_port": imap.port, "imap_tls": imap.tls,
            "imap_user": imap.user,
        }  # fmt: skip
    if smtp:
        found |= {
            "smtp_host": smtp.host, "smtp_port": smtp.port, "smtp_tls": smtp.tls, "smtp_user": smtp.user
        }  # fmt: skip
    return found


_AS_IT_IS = ("auth", "client_id", "token_url", "folder", "after", "after_folder")

DEFAULTS: dict[str, Any] = {
    "plus": True,
    "incoming": "deliver", "provider": "other", "imap_tls": "tls", "auth": "password",
    "folder": "INBOX", "after": "leave", "outgoing": "relay", "smtp_tls": "starttls",
}  # fmt: skip
