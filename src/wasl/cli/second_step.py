"""`wasl second-step`: for an owner who lost telephone and recovery codes, whom nobody else may let in."""

import argparse
import sys


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own commands."""
    verbs = parser.add_subparsers(dest="verb", metavar="off", required=True)
    off = verbs.add_parser("off", help="Ask somebody for their password alone when they sign in.")
    off.add_argument("email", help="the address they sign in with")


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.accounts import people

    person = people.account_of(parsed.email.strip().lower())
    if person is None:
        print(f"Nobody signs in as {parsed.email}.", file=sys.stderr)
        return 1
    if not people.drop_second_step(person):
        print(f"{person.email} has no second step.", file=sys.stderr)
        return 1
    print(
        f"{person.email} signs in with the password alone now. Every workspace of theirs has it in its access log."
    )
    return 0
