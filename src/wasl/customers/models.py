"""Customers, and the addresses they write from."""

from typing import ClassVar

from django.db import models

from wasl.kit.tables import Ref, TenantModel


class Customer(TenantModel):
    """A person or a firm that the business talks with.

    A merge only points one customer at another (`merged_into`); nothing is moved, so it can be undone byte for byte.
    `root` is the customer at the end of that chain: itself, for nearly everyone.
    """

    name = models.TextField(default="")
    language = models.CharField(max_length=2, default="")
    timezone = models.TextField(default="")
    place = models.TextField(default="")
    created_at = models.DateTimeField()
    merged_into = Ref("self", null=True)
    root = Ref("self")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "root"], name="customer_family"),
            models.Index(fields=["workspace_id", "name"], name="customer_by_name"),
        ]


class Identity(TenantModel):
    """One address of a customer on one channel."""

    customer = Ref(Customer)
    channel = models.TextField()
    address = models.TextField(help_text="Normalised: what is compared.")
    display = models.TextField(help_text="As the customer writes it.")
    name = models.TextField(default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "channel", "address"], name="identity_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace_id", "customer"], name="identity_of_customer")]


class Merge(TenantModel):
    """That two customers are one, who said so, and whether it was taken back."""

    kept = Ref(Customer)
    merged = Ref(Customer)
    at = models.DateTimeField()
    by_agent_id = models.UUIDField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by_agent_id = models.UUIDField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace_id", "merged", "at"], name="merge_of_customer")]


class CustomerSummary(TenantModel):
    """Projection: what a customer's timeline comes to. `id` is the customer's; kept by a follower."""

    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    last_channel = models.TextField(default="")
    received = models.IntegerField(default=0)
    sent = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
