"""Sign-in, by django-allauth: what is ours about it."""

import logging
import threading
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts.models import User
from wasl.workspace import post

log = logging.getLogger("wasl.signin")


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Nobody makes an account for themselves, errors are in our words, mail leaves by the workspace's own inbox."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "enter_current_password": _("This is not your present password."),
        "email_password_mismatch": _("The password does not match this address."),
        "too_many_login_attempts": _("Too many tries. Wait five minutes, then try again."),
        "account_inactive": _("This account is closed. Ask an administrator of your workspace."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Agents are added by an administrator."""
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's settings, which say that it is done."""
        return reverse("settings") + "?kept=1"

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the page itself shows whether someone is signed in."""

    def send_account_already_exists_mail(self, email: str) -> None:
        """Nobody signs up here, so nobody needs to be told."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a letter about someone's account; an address nobody works under gets none.

        In a thread of its own, so that the time a page takes does not tell whether an address is known.
        """
        user = context.get("user")
        if not isinstance(user, User):
            return
        letter = self.render_mail(template_prefix, email, context)
        threading.Thread(
            target=_send, args=(user, str(letter.subject), str(letter.body)), daemon=True
        ).start()

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No letters after a change that its owner has just made."""


def _send(user: User, subject: str, body: str) -> None:
    try:
        post.to_agent(user, subject, body)
    except Exception:
        log.exception("a letter about an account was not sent")
    finally:
        connection.close()
