"""What agents are told away from the page: the words on a device, and the digest by mail."""

from contextlib import AbstractContextManager

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.models import User
from wasl.desk.notices import ANSWERED, ASSIGNED, FAILED, MENTIONED, NEW, WOKEN
from wasl.desk.telling import LISTED, Item, Teller, Told, more
from wasl.kit.db import pool
from wasl.workspace import post
from wasl.workspace.format import isolated
from wasl.workspace.shapes.wordless import wordless


def sentence(item: Item) -> str:
    """What happened, in the language that is set."""
    who = {"name": isolated(item.customer or _("A customer"))}
    return {
        MENTIONED: _("You were named in a note about %(name)s"),
        ASSIGNED: _("%(name)s was given to you"),
        ANSWERED: _("%(name)s wrote"),
        FAILED: _("Your answer did not reach %(name)s"),
        WOKEN: _("%(name)s is back: you had put it off until now"),
        NEW: _("%(name)s wrote, and nobody has it yet"),
    }[item.kind] % who


def words(told: Told) -> dict[str, str]:
    """What a device shows: never what somebody wrote, which would stand on a locked screen."""
    first = told.items[0]
    with _speaking(told):
        others = len(told.items) - 1
        body = (
            ngettext("and one more thing", "and %(n)s more things", others) % {"n": others} if others else ""
        )
        return {
            "title": sentence(first),
            "body": body,
            "href": f"/conversations/{first.conversation_id}",
            "tag": str(first.conversation_id),
            "lang": told.language,
            "dir": "rtl" if translation.get_language_bidi() else "ltr",
        }


def letter(told: Told) -> None:
    """Write the digest and send it. Raises what a channel's `send` raises."""
    try:
        user = User.objects.get(id=told.user_id)
        with _speaking(told):
            subject, body = digest(told)
            post.to_agent(user, subject, body)
    except post.NoWayOut:
        pass  # without an inbox there is nothing to send from; the page still shows it
    finally:
        connection.close()


def digest(told: Told) -> tuple[str, str]:
    """Subject and text, in the language that is set."""
    count = len(told.items)
    subject = ngettext("One thing waits for you", "%(n)s things wait for you", count) % {"n": count}
    lines = [_("While you were away:")]
    for item in told.items[:LISTED]:
        place = f"{settings.ENV.public_url}/conversations/{item.conversation_id}"
        about = [isolated(item.subject[:120])] if item.subject else []
        if item.wordless:
            about.append(wordless(item.wordless).text)
        lines.append(f"– {' · '.join([sentence(item), *about])}\n  {place}")
    if left := more(told.items):
        lines.append(ngettext("and one more thing", "and %(n)s more things", left) % {"n": left})
    lines.append(
        _("You choose what you are told of, and how: %(address)s")
        % {"address": f"{settings.ENV.public_url}/notices"}
    )
    return subject, "\n\n".join(lines) + "\n"


def _speaking(told: Told) -> AbstractContextManager[None]:
    return translation.override(told.language)


TELLER = Teller(
    lambda: pool("queue", "worker", 6),
    letter=letter,
    words=words,
    subject=settings.ENV.public_url
    if settings.ENV.public_url.startswith("https:")
    else "mailto:postmaster@localhost",
    private=settings.ENV.webhook_private,
)
