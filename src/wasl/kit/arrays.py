"""PostgreSQL arrays of ids, texts and bytes, packed at once.

psycopg dumps a list item by item through Python objects, which is half of the Python CPU of a batch insert. An array's
binary form is a header and length-prefixed values (PostgreSQL's `array_send`): for these types, one `join`.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any

import psycopg
from psycopg.adapt import Buffer
from psycopg.types.array import ListBinaryDumper, ListDumper

_HEADER = Struct("!iiIii").pack  # dimensions, has nulls, element type, length, lower bound
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_SIXTEEN = _LENGTH(16)


def _uuids(values: list[Any]) -> list[bytes]:
    return [_NULL if value is None else _SIXTEEN + value.int.to_bytes(16, "big") for value in values]


def _texts(values: list[Any]) -> list[bytes]:
    return _bytes([value if value is None else value.encode() for value in values])


def _bytes(values: list[Any]) -> list[bytes]:
    return [_NULL if value is None else _LENGTH(len(value)) + value for value in values]


_ITEMS: dict[int, Callable[[list[Any]], list[bytes]]] = {2950: _uuids, 25: _texts, 17: _bytes}


class PackedListDumper(ListBinaryDumper):
    """Lists in the binary format (`%b`): flat ones of UUID, str or bytes in one go, others as psycopg does."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        oid = self.sub_dumper.oid if self.sub_dumper else 0
        items_of = _ITEMS.get(oid)
        if items_of is None or not obj or isinstance(obj[0], list):
            return super().dump(obj)
        items = items_of(obj)
        return _HEADER(1, int(_NULL in items), oid, len(obj), 1) + b"".join(items)


# The last one registered serves `%s`: that stays psycopg's own.
psycopg.adapters.register_dumper(list, PackedListDumper)
psycopg.adapters.register_dumper(list, ListDumper)
