"""Customers by name, and where they can be reached."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.customers.models import Customer, Identity


def names(customers: Iterable[Customer]) -> dict[UUID, str]:
    """What to call each customer: their name, else an address of theirs."""
    return called({customer.id: customer.name for customer in customers})


def called(found: dict[UUID, str]) -> dict[UUID, str]:
    """The same, of names by id."""
    found = dict(found)
    nameless = [key for key, name in found.items() if not name]
    if nameless:
        rows = Identity.objects.filter(customer__root_id__in=nameless).order_by("-created_at")
        found.update(rows.values_list("customer__root_id", "display"))
    return {key: name or _("Unknown") for key, name in found.items()}


def identities(root_id: UUID) -> list[Identity]:
    """Every address of a customer, those of customers merged into them included; oldest first, at most 100."""
    return list(Identity.objects.filter(customer__root_id=root_id).order_by("created_at", "id")[:100])


def own_names(customers: Iterable[Customer]) -> dict[UUID, str]:
    """The same for customers that were merged: by their own addresses, not those of who they are now."""
    found = {customer.id: customer.name for customer in customers}
    nameless = [key for key, name in found.items() if not name]
    rows = Identity.objects.filter(customer_id__in=nameless).order_by("-created_at")
    found.update(rows.values_list("customer_id", "display"))
    return {key: name or _("Unknown") for key, name in found.items()}
