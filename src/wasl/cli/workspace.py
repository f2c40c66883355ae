"""`wasl workspace`: the first workspace of an installation with its owner, and further ones."""

import argparse
import sys
from getpass import getpass
from pathlib import Path
from zoneinfo import available_timezones

from wasl.kit.languages import CODES


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own commands and options."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list", required=True)
    create = verbs.add_parser("create", help="Make a workspace, and the account of its owner.")
    create.add_argument("--name", required=True, help="what the business is called, such as 'Dar Zaytun'")
    create.add_argument("--email", required=True, help="the owner's e-mail address, with which they sign in")
    create.add_argument("--person", default="", help="what the owner is called")
    create.add_argument(
        "--slug", help="a short name for commands, such as dar-zaytun (default: from the name)"
    )
    create.add_argument(
        "--language", default="en", choices=CODES, help="of its pages and letters (default: en)"
    )
    create.add_argument("--timezone", default="UTC", help="such as Europe/Paris (default: UTC)")
    create.add_argument(
        "--password-file", metavar="FILE", help="the owner's password, in a file (default: it is asked for)"
    )
    verbs.add_parser("list", help="Show the workspaces.")


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.accounts.models import Workspace

    if parsed.verb == "list":
        for one in Workspace.objects.using("owner").order_by("slug"):
            print(f"{one.id}  {one.slug:30} {one.name}")
        return 0
    return _create(parsed)


def _create(parsed: argparse.Namespace) -> int:
    from wasl.accounts.founding import Refused, account, found, short_name
    from wasl.config.env import load

    if parsed.timezone not in available_timezones():
        return _failed(
            f"There is no time zone '{parsed.timezone}'. They are called as Europe/Paris or Asia/Beirut."
        )
    known = account(parsed.email)
    slug = short_name(parsed.name) if parsed.slug is None else parsed.slug
    if not slug and parsed.name.strip():  # said before a password is asked for
        return _failed(
            f"“{parsed.name}” has no letters that a short name could be made of: give one with --slug, such as my-shop."
        )
    try:
        password = "" if known else _password(parsed.password_file)
        found(
            parsed.name, slug, parsed.email, parsed.person, password,
            language=parsed.language, timezone=parsed.timezone,
        )  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        return _failed(f"The password cannot be read: {error}.")
    except Refused as refused:
        return _failed(_WRONG[refused.reason].format(detail=refused.detail))
    how = "the password they have" if known else "that password"
    print(f"Made the workspace {slug}. Sign in at {load().public_url} as {parsed.email}, with {how}.")
    return 0


def _password(file: str | None) -> str:
    """What the file says, or what is typed twice. Raises OSError, UnicodeDecodeError, Refused."""
    from wasl.accounts.founding import Refused

    if file is not None:
        return Path(file).read_text(encoding="utf-8").strip("\r\n")
    if not sys.stdin.isatty():
        raise Refused("unasked")
    password = getpass("Password for the owner: ")
    if password != getpass("Once more: "):
        raise Refused("differ")
    return password


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


_WRONG = {
    "name": "A workspace needs a name.",
    "slug": "'{detail}' cannot be its short name: give one with --slug, small letters and digits with - between them.",
    "taken": "There is a workspace '{detail}' already. Give another short name with --slug.",
    "email": "'{detail}' is no e-mail address.",
    "password": "This password will not do: {detail}",
    "unasked": "There is no terminal to ask for the password: give it with --password-file.",
    "differ": "The two are not the same.",
}
