"""What the tables of every room have in common."""

from typing import TYPE_CHECKING, Any

from django.db import models

from wasl.kit.ids import uuid7

if TYPE_CHECKING:
    BigInteger = models.BigIntegerField[Any, Any]
    ForeignKey = models.ForeignKey[Any, Any]
else:
    BigInteger = models.BigIntegerField
    ForeignKey = models.ForeignKey


class TenantModel(models.Model):
    """A row of one workspace. Its migration adds a `TenantTable` operation (see `kit/tenancy.py`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace_id = models.UUIDField(editable=False)

    class Meta:
        abstract = True


class Ref(ForeignKey):
    """A pointer inside a workspace: the ORM's joins, with the database's own composite foreign key.

    Django's one-column constraint is left out; `TenantTable(refs=…)` adds (workspace_id, column).
    """

    def __init__(self, to: Any, **options: Any) -> None:
        options.setdefault("on_delete", models.DO_NOTHING)
        options.setdefault("related_name", "+")
        options["db_constraint"] = False
        options.setdefault("db_index", False)
        super().__init__(to, **options)


class Xid8Field(BigInteger):
    """A PostgreSQL transaction id with its epoch (type `xid8`), filled in by the database."""

    def db_type(self, connection: Any) -> str:
        return "xid8"
