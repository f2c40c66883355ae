"""`wasl token`: make, list and revoke API tokens from the command line, for installations without a browser at hand."""

import argparse
import sys
from contextlib import AbstractContextManager
from uuid import UUID


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
        verb.add_argument("--workspace", required=True, help="the workspace's short name (or its id)")


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.accounts import tokens
    from wasl.accounts.actor import Actor, NotFound
    from wasl.accounts.models import Role, Workspace

    workspace = Workspace.objects.using("owner").filter(**_named(parsed.workspace)).first()
    if workspace is None:
        return _failed(f"There is no workspace '{parsed.workspace}'.")
    # Whoever may run commands on this machine may do as the owner does.
    actor = Actor(workspace.id, Role.OWNER, frozenset())
    with _inside(workspace.id):
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


def _named(given: str) -> dict[str, object]:
    try:
        return {"id": UUID(given)}
    except ValueError:
        return {"slug": given}


def _inside(workspace_id: UUID) -> AbstractContextManager[None]:
    from wasl.kit.db import tenant

    return tenant(workspace_id)


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
