"""What is kept of a visitor's browser beside what they wrote: nearly nothing."""

from django.db import models

from wasl.channels.models import Inbox
from wasl.kit.tables import Ref, TenantModel


class Visitor(TenantModel):
    """A browser in which somebody was signed in at the host site. `id` is made of its secret (see `visitors`).

    `account` is made of the account's name at the host site. From then on that browser's own talk is shown to this
    account alone: whoever sits down at it next, signed in as somebody else or not at all, begins anew.
    """

    inbox = Ref(Inbox)
    account = models.UUIDField()
    bound_at = models.DateTimeField()
