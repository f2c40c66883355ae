"""Sign-in, by django-allauth: what is ours about it."""

import logging
import threading
from typing import Any, ClassVar
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.stages import LoginStage
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import second_step
from wasl.accounts.models import User
from wasl.kit import signal
from wasl.workspace import post, seat

log = logging.getLogger("wasl.signin")


class SecondStep(LoginStage):  # type: ignore[misc]  # allauth is untyped
    """Whoever has switched it on is not signed in before `views.second_step.confirm` has had a code."""

    key = "second_step"
    urlname = "second_step_confirm"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Where to go instead of in, and that the sign-in goes on."""
        if self.login.user is None or not second_step.is_on(self.login.user.pk):
            return None, True
        return HttpResponseRedirect(reverse(self.urlname)), True

    def is_resumable(self, request: HttpRequest) -> bool:
        """Looking at the sign-in page leads back to the code; another password begins afresh."""
        return request.method in ("GET", "HEAD")


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

    def get_login_stages(self) -> list[str]:
        """What comes between the password and being signed in; of allauth's own, none would do anything here."""
        return ["wasl.workspace.signin.SecondStep"]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's settings, which say that it is done."""
        return reverse("settings") + "?kept=1"

    def set_password(self, user: User, password: str) -> None:
        """Keep it. Whoever forgot theirs has no page open of which it could be told that others are to end."""
        super().set_password(user, password)
        if not self.request.user.is_authenticated:
            with connection.cursor() as cursor:
                places = seat.places(UUID(str(user.pk)))
                signal.send(cursor, [signal.Signal("access", place.workspace_id) for place in places])

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
