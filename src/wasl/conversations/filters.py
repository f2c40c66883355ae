"""What a list is narrowed to: the same filter for pages, saved views, bulk changes, exports and the API.

Kinds of narrowing are joined by AND, values of one kind by OR. It is plain data; ids of things that are gone narrow to
nothing, and inboxes that an actor may not see stay unseen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, LiteralString, cast, get_args
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations.models import Status
from wasl.kit.languages import CODES

View = Literal["all", "mine", "unassigned", "mentioned"]
VIEWS: tuple[View, ...] = get_args(View)
NOBODY = "none"
MOST = 20
"""Values of one kind."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`status` '' is any. Among assignees and teams None stands for nobody."""

    view: View = "all"
    status: str = Status.OPEN
    inboxes: tuple[UUID, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[UUID, ...] = ()
    assignees: tuple[UUID | None, ...] = ()
    teams: tuple[UUID | None, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether more than a view and a status is asked for."""
        return bool(self.inboxes or self.languages or self.tags or self.assignees or self.teams)

    def at(self, status: str) -> "Filter":
        """The same at another status."""
        return replace(self, status=status)

    def write(self) -> dict[str, Any]:
        """As JSON: only what is not as it is by itself."""
        return {
            f.name: [NOBODY if v is None else str(v) for v in value] if isinstance(value, tuple) else value
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        }

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Filter":
        """The filter in such JSON, or in the lists of an address. Raises ValueError for what cannot be one."""
        view, status = written.get("view", "all"), written.get("status", Status.OPEN)
        if view not in VIEWS or status not in ("", *Status.values):
            raise ValueError("view or status")
        languages = tuple(str(code) for code in written.get("languages", ()))
        if not set(languages) <= {"", *CODES}:
            raise ValueError("language")
        return cls(
            cast("View", view),
            str(status),
            cast("tuple[UUID, ...]", _ids(written.get("inboxes", ()))),
            languages,
            cast("tuple[UUID, ...]", _ids(written.get("tags", ()))),
            _ids(written.get("assignees", ()), nobody=True),
            _ids(written.get("teams", ()), nobody=True),
        )


def _ids(texts: Sequence[str], *, nobody: bool = False) -> tuple[UUID | None, ...]:
    if isinstance(texts, str) or len(texts) > MOST:
        raise ValueError("ids")
    return tuple(None if nobody and text == NOBODY else UUID(str(text)) for text in texts)


@dataclass(slots=True)
class _Where:
    """SQL as it grows, with its values in order."""

    sql: LiteralString
    values: list[Any]

    def also(self, condition: LiteralString, *values: Any) -> None:
        """One more condition."""
        self.sql += f" AND {condition}"
        self.values += values

    def among(self, column: LiteralString, array: LiteralString, values: Sequence[Any]) -> None:
        """One of the values, None for a column that is empty."""
        known = [value for value in values if value is not None]
        if not known and None in values:
            return self.also(f"{column} IS NULL")
        one = len(known) == 1
        found: LiteralString = f"{column} = %s" if one else f"{column} = ANY(%s::{array})"
        self.also(f"({found} OR {column} IS NULL)" if None in values else found, known[0] if one else known)
        return None


def conditions(actor: Actor, where: Filter) -> tuple[LiteralString, list[Any]]:
    """`FROM … WHERE …` over conversations `c` that the actor may see, and its values in order.

    One value is asked for with `=` and not with ANY: only then an index that begins with it gives rows in their order.
    """
    out = _Where(_SEEN, [actor.workspace_id])
    if where.status:
        out.also("c.status = %s", where.status)
    out.among("c.inbox_id", "uuid[]", sorted(actor.inboxes.intersection(where.inboxes or actor.inboxes)))
    kinds: tuple[tuple[LiteralString, LiteralString, Sequence[Any]], ...] = (
        ("c.language", "text[]", where.languages),
        ("c.assignee_id", "uuid[]", where.assignees),
        ("c.team_id", "uuid[]", where.teams),
    )
    for column, array, values in kinds:
        if values:
            out.among(column, array, values)
    if where.view == "mine":
        out.also("c.assignee_id = %s", actor.agent_id)
    elif where.view == "unassigned":
        out.also("c.assignee_id IS NULL")
    elif where.view == "mentioned":
        out.also(_MENTIONED, actor.agent_id)
    if where.tags:
        out.also(_TAGGED, list(where.tags))
    return out.sql, out.values


_SEEN: LiteralString = (
    "FROM conversations_conversation c WHERE c.workspace_id = %s AND c.merged_into_id IS NULL"
)
_MENTIONED: LiteralString = """EXISTS (
  SELECT FROM conversations_mention m
  WHERE m.workspace_id = c.workspace_id AND m.agent_id = %s AND m.conversation_id = c.id)"""
_TAGGED: LiteralString = """EXISTS (
  SELECT FROM conversations_tagging g
  WHERE g.workspace_id = c.workspace_id AND g.conversation_id = c.id AND g.tag_id = ANY(%s::uuid[]))"""
