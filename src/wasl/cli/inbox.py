"""`wasl inbox`: open an API inbox, and list the inboxes of a workspace."""

import argparse
import sys


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own commands and options."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list", required=True)
    create = verbs.add_parser("create", help="Open an inbox that programs hand messages into.")
    create.add_argument("--address", required=True, help="how it is called in addresses, such as forms")
    create.add_argument("--name", default="", help="how people call it, such as 'Website form'")
    listing = verbs.add_parser("list", help="Show the inboxes.")
    for verb in (create, listing):
        verb.add_argument(
            "--workspace", help="the workspace's short name (or its id), where there are several"
        )


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.channels.actions import BadAddress, open_api_inbox
    from wasl.channels.models import Inbox
    from wasl.cli.token import as_owner, inside

    actor = as_owner(parsed.workspace)
    if actor is None:
        return 1
    with inside(actor):
        if parsed.verb == "create":
            try:
                open_api_inbox(actor, parsed.address, parsed.name)
            except BadAddress as bad:
                print(_WRONG[bad.reason].format(address=parsed.address), file=sys.stderr)
                return 1
        for inbox in Inbox.objects.order_by("channel", "address"):
            state = "" if inbox.is_active else "  (off)"
            print(f"{inbox.id}  {inbox.channel:5}  {inbox.address:40}  {inbox.name}{state}")
    return 0


_WRONG = {
    "shape": "'{address}' cannot be an inbox's address: use small letters and digits, with . _ - between them.",
    "taken": "There is an API inbox '{address}' already.",
}
