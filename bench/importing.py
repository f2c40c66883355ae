"""How fast old mail comes in: conversations of two to six messages, received and sent, with a file now and then.

    make bench ARGS=importing

The worker runs beside it and lets the followers read, as in an installation.
"""

import argparse
import mailbox
import os
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from bench.product import product, settle

US = "support@dar-zaytun.example"
WORDS = (
    "parcel", "order", "plate", "broken", "invoice", "tomorrow", "please", "thank", "delivery", "address", "colour",
    "shop", "late", "question",
)  # fmt: skip


def _mails(count: int, dice: random.Random) -> list[EmailMessage]:
    mails: list[EmailMessage] = []
    at = datetime(2022, 1, 1, tzinfo=UTC)
    while len(mails) < count:
        who = dice.randrange(count // 6)
        thread: list[str] = []
        for turn in range(dice.randint(2, 6)):
            made = EmailMessage()
            customer, key = (
                f"Customer {who} <customer{who}@people.example>",
                f"<{len(mails)}.{turn}@old.example>",
            )
            made["From"], made["To"] = (customer, US) if turn % 2 == 0 else (US, customer)
            made["Subject"] = "Re: " * bool(turn) + " ".join(dice.choices(WORDS, k=4))
            made["Date"], made["Message-ID"] = format_datetime(at + timedelta(hours=turn)), key
            if thread:
                made["In-Reply-To"], made["References"] = thread[-1], " ".join(thread)
            made.set_content(" ".join(dice.choices(WORDS, k=dice.randint(30, 200))))
            if dice.random() < 0.05:
                made.add_attachment(
                    dice.randbytes(40_000), maintype="image", subtype="jpeg", filename="photo.jpg"
                )
            thread.append(key)
            mails.append(made)
        at += timedelta(minutes=7)
    return mails


def _children() -> float:
    """CPU seconds of programs that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    options = parser.parse_args()
    with product("worker") as made:
        from bench.world import shop

        workspace = str(shop().id)
        path = Path(made.data) / "old.mbox"
        box = mailbox.mbox(path)
        for each in _mails(options.messages, random.Random(7)):
            box.add(each)
        box.close()
        before, start = made.cpu(), time.monotonic()
        command = [
            str(Path(sys.executable).with_name("wasl")),
            "import",
            "mbox",
            str(path),
            "--workspace",
            workspace,
            "--inbox",
            US,
        ]
        before_program = _children()
        said = subprocess.run(
            command, env=os.environ.copy(), capture_output=True, text=True, check=True
        ).stdout
        took = time.monotonic() - start
        read = settle(made.dsn).at - start
        program = _children() - before_program
        used = sum(made.cpu().values()) - sum(before.values())
        print(said.strip())
        print(
            f"{options.messages} messages in {took:.1f} s: {options.messages / took:,.0f}/s; every follower after"
            f" {read:.1f} s; CPU-ms a message: {program * 1000 / options.messages:.2f} the program,"
            f" {used * 1000 / options.messages:.2f} worker and PostgreSQL"
        )


if __name__ == "__main__":
    main()
