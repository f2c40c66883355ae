"""Customers, and the addresses they write from."""

from typing import ClassVar

from django.db import models

from wasl.customers import points
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


class Known(models.TextChoices):
    """How an address is known to be somebody's: see `points`."""

    CHANNEL = points.CHANNEL
    TOKEN = points.TOKEN
    CLAIMED = points.CLAIMED


class Identity(TenantModel):
    """One address of a customer on one channel. How it is known to be theirs, and its point: see `points`."""

    customer = Ref(Customer)
    channel = models.TextField()
    address = models.TextField(help_text="Normalised: what is compared.")
    display = models.TextField(help_text="As the customer writes it.")
    name = models.TextField(default="")
    created_at = models.DateTimeField()
    known = models.CharField(
        max_length=7, choices=Known.choices, default=Known.CLAIMED, db_default=Known.CLAIMED
    )
    point = models.TextField(default="", db_default="")
    name_key = models.TextField(
        default="", db_default="", help_text="By what the name is found: `closeness.key_of`."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "channel", "address"], name="identity_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "customer"], name="identity_of_customer"),
            models.Index(
                fields=["workspace_id", "point"], name="identity_by_point", condition=~models.Q(point="")
            ),
            models.Index(
                fields=["workspace_id", "name_key"], name="identity_by_name", condition=~models.Q(name_key="")
            ),
        ]


class Claim(TenantModel):
    """What else was said of a customer: another name they wrote under, a telephone number or a mailbox that they left.
    It helps to find out who is one; nothing is sent there unless an agent chooses to."""

    customer = Ref(Customer)
    point = models.TextField(default="")
    name = models.TextField(default="")
    folded = models.TextField(default="", help_text="The name as it is compared.")
    name_key = models.TextField(default="")
    known = models.CharField(max_length=7, choices=Known.choices)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "customer", "point", "folded", "known"], name="claim_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace_id", "point"], name="claim_by_point", condition=~models.Q(point="")
            ),
            models.Index(
                fields=["workspace_id", "name_key"], name="claim_by_name", condition=~models.Q(name_key="")
            ),
        ]


class Answer(models.TextChoices):
    """What became of a suggestion. `linked`: it was so sure that nobody was asked."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LINKED = "linked"


class Suggestion(TenantModel):
    """That two customers may be one, why, and what was answered. `left` is the one with the smaller id. `found` holds
    codes (`phone:same`) and nothing of the customers."""

    left = Ref(Customer)
    right = Ref(Customer)
    probability = models.FloatField()
    found = models.JSONField(default=list)
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.OPEN)
    at = models.DateTimeField()
    merge_id = models.UUIDField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by_id = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "left", "right"], name="suggestion_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "right"], name="suggestion_of_right"),
            models.Index(
                fields=["workspace_id", "merge_id"],
                name="suggestion_of_merge",
                condition=models.Q(merge_id__isnull=False),
            ),
        ]


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


class OrderStatus(models.TextChoices):
    """Where an order stands, in the words of shops."""

    PLACED = "placed"
    PAID = "paid"
    PACKED = "packed"
    SENT = "sent"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    REFUNDED = "refunded"


class Order(TenantModel):
    """What a customer bought, as the shop last said. `folded` is the number as it is compared: see `orders.fold`."""

    customer = Ref(Customer)
    number = models.TextField()
    folded = models.TextField()
    status = models.CharField(max_length=10, choices=OrderStatus.choices)
    amount = models.BigIntegerField(null=True, help_text="In the currency's smallest unit (ISO 4217).")
    currency = models.CharField(max_length=3, default="")
    items = models.JSONField(default=list, help_text="[{name, quantity}], as the shop says.")
    link = models.TextField(default="", help_text="Its page in the shop, for agents.")
    tracking = models.JSONField(default=dict, help_text="carrier, number, link.")
    placed_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="What the shop said when it last changed.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "number"], name="order_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "customer", "-placed_at"], name="orders_of_customer"),
            models.Index(fields=["workspace_id", "folded"], name="order_by_folded"),
        ]
