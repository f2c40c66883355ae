"""What a view of the workspace is given: a request whose reader is known."""

from django.http import HttpRequest

from wasl.accounts.actor import Actor
from wasl.workspace.seat import Seat


class Request(HttpRequest):
    """A request that came through `middleware.Membership`."""

    actor: Actor
    seat: Seat
    theme: str
