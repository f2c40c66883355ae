"""Where customers come in person: branches, and each visit from the door to the counter."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from wasl.customers.models import Customer
from wasl.kit.tables import Ref, TenantModel


class Branch(TenantModel):
    """A place with a door. `id` is that of its inbox (channel "visit"), which holds its name, its language, its
    calendar and the teams that see it.

    `kiosk` is the version that links to its kiosk must carry; 0 while there is none.
    """

    address = models.TextField(default="", help_text="As it is written on a letter, a line each.")
    country = models.CharField(
        max_length=2, default="", help_text="ISO 3166: where numbers without + belong."
    )
    purposes = ArrayField(models.TextField(), default=list, help_text="Which of `Purpose` are offered.")
    kiosk = models.IntegerField(default=0)
    kiosks_made = models.IntegerField(default=0, help_text="How many versions there were.")
    created_at = models.DateTimeField()


class Day(TenantModel):
    """The last number that was given out at a branch on a day of its own time zone."""

    branch = Ref(Branch)
    day = models.DateField()
    last = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "branch", "day"], name="branch_day_once"),
        ]


class Purpose(models.TextChoices):
    """Why somebody comes."""

    ADVICE = "advice"
    PICKUP = "pickup"
    RETURN = "return"
    REPAIR = "repair"
    PAYMENT = "payment"
    COMPLAINT = "complaint"
    OTHER = "other"


class State(models.TextChoices):
    """Where a visit stands. `left`: they went without having been served."""

    WAITING = "waiting"
    CALLED = "called"
    SERVED = "served"
    LEFT = "left"


class Outcome(models.TextChoices):
    """What came of it."""

    DONE = "done"
    FOLLOWS = "follows"
    ELSEWHERE = "elsewhere"
    NOTHING = "nothing"


class Via(models.TextChoices):
    """How we know who came: their code, an address they named, or nothing but a name."""

    CODE = "code"
    ADDRESS = "address"
    NAME = "name"
    AGENT = "agent"


class Visit(TenantModel):
    """Somebody who came. `message_id` is the message of it in a conversation, which is understood a moment later.

    `key` is the form's own: the same form sent twice is one visit.
    """

    branch = Ref(Branch)
    customer = Ref(Customer)
    message_id = models.UUIDField()
    key = models.UUIDField()
    day = models.DateField()
    number = models.IntegerField()
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    via = models.CharField(max_length=8, choices=Via.choices)
    language = models.CharField(max_length=2, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    counter = models.CharField(max_length=20, default="")
    came_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    agent_id = models.UUIDField(null=True, help_text="Who called them.")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default="")
    note = models.TextField(default="", help_text="What the agent wrote of it.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "branch", "day", "number"], name="visit_number_once"
            ),
            models.UniqueConstraint(fields=["workspace_id", "branch", "key"], name="visit_key_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "customer", "-came_at"], name="visits_of_customer"),
        ]
