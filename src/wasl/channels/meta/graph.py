"""The Graph API as every product of Meta shares it: where it is, how a call is signed, and what is entered for it."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Field, Settings

GRAPH = "https://graph.facebook.com"
VERSION = "v23.0"

FIELDS = (
    Field(name="app_secret", label=_("App secret"), kind="secret", help=_("From App settings, Basic.")),
    Field(
        name="verify_token",
        label=_("Verify token"),
        kind="secret",
        made=True,
        help=_("Enter it at Meta beside the address of the webhook."),
    ),
    Field(name="base_url", label=_("API address"), kind="link", required=False, default=GRAPH),
    Field(name="version", label=_("API version"), required=False, default=VERSION, shape=r"v\d+\.\d+"),
)
"""Of the app and of the API; what names the account stands before them."""


def base(inbox: Settings) -> str:
    """Where the API lies, without a slash at the end."""
    return f"{inbox.text('base_url', GRAPH).rstrip('/')}/{inbox.text('version', VERSION)}"


def signed(inbox: Settings) -> dict[str, str]:
    """The header that every call carries."""
    return {"Authorization": f"Bearer {inbox.secrets.get('access_token', '')}"}
