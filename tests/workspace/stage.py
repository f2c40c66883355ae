"""A shop with something to show, for the tests of pages."""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from uuid import UUID, uuid4

from django.test import Client

from tests.inbound import take
from tests.worlds import Shop
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.customers.models import Customer
from wasl.intake.models import Quarantine
from wasl.kit.db import tenant
from wasl.visits import branches
from wasl.visits.actions import Arrival, check_in
from wasl.visits.branches import Wanted
from wasl.webhooks import actions as webhooks

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Browser = Callable[..., Client]

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def signed_in(shop: Shop, role: str = "agent", **options: bool) -> Client:
    """A browser in which the agent of that role has signed in."""
    client = Client(**options)
    client.force_login(shop.users[role], backend=BACKEND)
    return client


@dataclass(frozen=True, slots=True)
class Known:
    """The ids of one thing of each kind in a shop."""

    conversation: UUID
    customer: UUID
    message: UUID
    file: UUID
    held: UUID
    inbox: UUID
    endpoint: UUID
    call: UUID
    branch: UUID
    visit: UUID


def furnish(shop: Shop, to: str = "support@dar-zaytun.example") -> Known:
    """One conversation with a picture, and one message that could not be read."""
    take(shop, _with_picture(to), b"", to=to)
    endpoint, _secret = webhooks.create(
        shop.actor("admin"), "https://shop.example/hook", "", ["message.created"]
    )
    call = webhooks.test(shop.actor("admin"), endpoint.id)
    with tenant(shop.id):
        message = Message.objects.get()
        return Known(
            Conversation.objects.get().id,
            Customer.objects.get().id,
            message.id,
            Attachment.objects.get().id,
            Quarantine.objects.get().id,
            shop.mail.id,
            endpoint.id,
            call.id,
            *_branch(shop),
        )


def _branch(shop: Shop) -> tuple[UUID, UUID]:
    """A branch at which somebody waits."""
    branch = branches.open_branch(shop.actor("admin"), Wanted(name="Lyon"))
    visit = check_in(shop.id, branch.id, Arrival(key=uuid4(), purpose="other", name="Nadia"))
    return branch.id, visit.id


def _with_picture(to: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = (
        "Camille Moreau <camille@atelier.example>",
        to,
        "Facture DZ-20377",
    )
    made["Message-ID"] = f"<picture-{to}>"
    made.set_content("Où est ma facture ?\n\n<script>alert(1)</script>")
    made.add_attachment(PICTURE, maintype="image", subtype="png", filename='reçu "1".png')
    return made.as_bytes()
