"""The append-only timeline, its keys, its followers and its Merkle log."""

from typing import ClassVar

from django.db import models

from wasl.kit.tables import TenantModel, Xid8Field


class Epoch(models.Model):
    """Which cluster the transaction ids of this database belong to. One row.

    Transaction ids start afresh after a dump and restore; `number` grows then, so that the readers' order
    (epoch, tx, id) stays an order.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.IntegerField(default=1)
    system_identifier = models.BigIntegerField()


class Touchpoint(TenantModel):
    """One thing that happened with a customer. Never changed, never deleted."""

    customer_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    kind = models.TextField()
    channel = models.TextField(default="")
    conversation_id = models.UUIDField(null=True)
    about_id = models.UUIDField(null=True, help_text="The message, delivery, identity … it speaks of.")
    facts = models.JSONField(default=dict, help_text="Allow-listed enumerations and numbers, in clear.")
    detail = models.BinaryField(null=True, help_text="nonce + AES-256-GCM under the customer's key.")
    leaf = models.BinaryField(max_length=32)
    epoch = models.IntegerField()
    tx = Xid8Field()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["epoch", "tx", "id"], name="touchpoint_reader_order"),
            models.Index(
                fields=["workspace_id", "customer_id", "occurred_at", "id"], name="touchpoint_of_customer"
            ),
            models.Index(
                fields=["workspace_id", "conversation_id", "id"],
                name="touchpoint_of_conversation",
                condition=models.Q(conversation_id__isnull=False),
            ),
        ]


class SubjectKey(models.Model):
    """The key under which a customer's details are sealed, wrapped by the master key. Destroying it erases."""

    customer_id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    wrapped = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)


class RingNode(models.Model):
    """A node of a workspace's ring of backup keys (see `ring.py`). Taking nodes away erases from older backups."""

    pk = models.CompositePrimaryKey("workspace_id", "depth", "prefix")
    workspace_id = models.UUIDField()
    depth = models.SmallIntegerField()
    prefix = models.BigIntegerField()
    wrapped = models.BinaryField()


class Follower(models.Model):
    """How far a follower has read."""

    name = models.TextField(primary_key=True)
    epoch = models.IntegerField(default=0)
    tx = Xid8Field()
    last_id = models.UUIDField()
    updated_at = models.DateTimeField()


class Parked(models.Model):
    """A touchpoint that a follower could not digest, set aside for a person to look at."""

    id = models.BigAutoField(primary_key=True)
    follower = models.TextField()
    workspace_id = models.UUIDField()
    touchpoint_id = models.UUIDField()
    error = models.TextField()
    parked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)


class LogTile(models.Model):
    """Up to 256 neighbouring hashes of one level of a workspace's Merkle tree (RFC 6962).

    Level 0 holds leaves; level n holds the roots of full tiles of level n - 1. A level-0 tile remembers the reader
    position of its first touchpoint, so that a touchpoint's index is found without a table of indexes.
    """

    pk = models.CompositePrimaryKey("workspace_id", "level", "number")
    workspace_id = models.UUIDField()
    level = models.SmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()
    first_epoch = models.IntegerField(null=True)
    first_tx = Xid8Field(null=True)
    first_id = models.UUIDField(null=True)


class Checkpoint(models.Model):
    """A signed statement of a workspace's tree: so many leaves, this root, at this time."""

    pk = models.CompositePrimaryKey("workspace_id", "size")
    workspace_id = models.UUIDField()
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    signed_at = models.DateTimeField()
    key_id = models.TextField()
    signature = models.BinaryField()


class Heartbeat(models.Model):
    """When a running role last said that it is alive."""

    role = models.TextField()
    host = models.TextField()
    pid = models.IntegerField()
    at = models.DateTimeField()
    pk = models.CompositePrimaryKey("role", "host", "pid")
