"""Letters to those who administer a workspace, when something of theirs needs a look."""

import logging
import threading

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from wasl.accounts.models import Agent, Role, User
from wasl.kit.db import tenant
from wasl.webhooks.claim import Key
from wasl.webhooks.models import Endpoint
from wasl.workspace import post

log = logging.getLogger(__name__)


def webhook_off(key: Key, why: str) -> None:
    """Tell the administrators that an endpoint was switched off; without holding up the calls of others."""
    threading.Thread(target=_webhook_off, args=(key, why), name="notice", daemon=True).start()


def _webhook_off(key: Key, why: str) -> None:
    try:
        with tenant(key.workspace_id):
            endpoint = Endpoint.objects.get(id=key.endpoint_id)
            admins = Agent.objects.filter(role__in=(Role.OWNER, Role.ADMIN), is_active=True)
            users = list(User.objects.filter(id__in=admins.values("user_id"), is_active=True))
        for user in users:
            with translation.override(user.language):
                subject, body = letter(endpoint, why)
                post.to_agent(user, subject, body)
    except Exception:  # whoever cannot be written to still sees it on the page
        log.warning("nobody could be written to about webhook %s", key.endpoint_id, exc_info=True)
    finally:
        connection.close()


def letter(endpoint: Endpoint, why: str) -> tuple[str, str]:
    """Subject and text, in the language that is set."""
    place = f"{settings.ENV.public_url}/webhooks/{endpoint.id}"
    reason = (
        _("The address answered that it is gone for good.")
        if why == "gone"
        else _("No call has succeeded for three days.")
    )
    lines = [
        _("Wasl no longer calls %(address)s.") % {"address": endpoint.url},
        reason,
        _(
            "What happens meanwhile is not told there. Once the address works, switch the webhook on again here:"
        ),
        place,
    ]
    return _("A webhook was switched off"), "\n\n".join(lines)
