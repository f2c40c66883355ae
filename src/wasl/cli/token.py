"""`wasl token`: make, list and revoke API tokens from the command line, for installations without a browser at hand."""

import argparse
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from wasl.accounts.actor import Actor


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own commands and options."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list|revoke", required=True)
    create = verbs.add_parser("create", help="Make a token and print it, this once.")
    create.add_argument("--name", required=True, help="what it is for, such as 'web shop'")
    create.add_argument(
        "--role",
        default="agent",
        choices=["admin", "agent", "readonly"],
        help="what it may do (default: agent)",
    )
    listing = verbs.add_parser("list", help="Show the tokens, without their secrets.")
    revoke = verbs.add_parser("revoke", help="Stop honouring a token, within ten seconds.")
    revoke.add_argument("id", help="the id that `list` shows")
    for verb in (create, listing, revoke):
        verb.add_argument(
            "--workspace", help="the workspace's short name (or its id), where there are several"
        )


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.accounts import tokens
    from wasl.accounts.actor import NotFound

    actor = as_owner(parsed.workspace)
    if actor is None:
        return 1
    with inside(actor):
        if parsed.verb == "create":
            secret, token = tokens.create(actor, parsed.name, parsed.role)
            print(secret)
            print(f"Keep it now: it is not shown again. Its id is {token.id}.", file=sys.stderr)
        elif parsed.verb == "revoke":
            try:
                tokens.revoke(actor, UUID(parsed.id))
            except (NotFound, ValueError):
                return _failed(f"There is no token {parsed.id} to revoke.")
        else:
            for token in tokens.tokens(actor):
                state = "revoked" if token.revoked_at else token.role
                used = f"used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
                print(f"{token.id}  {token.hint}…  {state:9} {used:22} {token.name}")
    return 0


def as_owner(workspace: str | None) -> "Actor | None":
    """Who runs commands on this machine may do as the workspace's owner does; None, and a sentence, without it.

    The one workspace there is need not be named.
    """
    from wasl.accounts.actor import Actor
    from wasl.accounts.models import Role, Workspace

    every = Workspace.objects.using("owner").order_by("slug")
    if workspace is None and len(names := list(every.values_list("slug", flat=True)[:20])) != 1:
        there = f"name one with --workspace: {', '.join(names)}" if names else "there is none yet"
        print(f"Which workspace? {there[0].upper()}{there[1:]}.", file=sys.stderr)
        return None
    found = (every.filter(**_named(workspace)) if workspace else every).first()
    if found is None:
        print(f"There is no workspace '{workspace}'.", file=sys.stderr)
        return None
    return Actor(found.id, Role.OWNER, frozenset())


def _named(given: str) -> dict[str, object]:
    try:
        return {"id": UUID(given)}
    except ValueError:
        return {"slug": given}


def inside(actor: "Actor") -> AbstractContextManager[None]:
    """A transaction in the actor's workspace."""
    from wasl.kit.db import tenant

    return tenant(actor.workspace_id)


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
