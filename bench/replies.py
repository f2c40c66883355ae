"""Reply trimming: agreement with what a reader should see, and what a mail costs.

    python -m bench.replies [--data ../shared/data]

The development data's replies, and ours by language: those that were there while the rules were made (first) and those
that were written after them (held). Microseconds of CPU are the median of a mail's best of five runs.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

from tests.channels.corpus import LANGUAGES, Reply, development, ours
from wasl.channels.email.trim.split import written


def cost(reply: Reply) -> float:
    """Microseconds that one takes."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(20):
            written(reply.text)
        best = min(best, (time.process_time() - started) / 20)
    return best * 1e6


def line(name: str, replies: list[Reply]) -> tuple[str, list[str]]:
    """A line of the report, and the names of those that do not agree."""
    wrong = [reply.name for reply in replies if not reply.agrees(written(reply.text))]
    share = 1 - len(wrong) / len(replies)
    median = statistics.median(map(cost, replies))
    return (
        f"{name:<12} {len(replies) - len(wrong):>3} of {len(replies):<3} {share:>6.1%}  {median:5.0f} µs",
        wrong,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    sets = [("development", development(data))] if (data / "replies").is_dir() else []
    sets += [
        (f"{language} {part}", ours(language, part)) for language in LANGUAGES for part in ("first", "held")
    ]
    for name, replies in sets:
        text, wrong = line(name, replies)
        print(text, *wrong)


if __name__ == "__main__":
    sys.exit(main())
