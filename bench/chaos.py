"""Never lost: everything is killed with kill -9 while thousands of messages come and go, and then all is counted.

    make bench ARGS=chaos
    python -m bench.chaos --inbound 5000 --outbound 2000 --seconds 240 --seed 7

The installation runs as people run it, under `wasl up`, which has to bring back by itself whatever dies. Customers
write by SMTP, LMTP, the API and every chat channel (`--channels`), and they or their providers bring it again until
they are told that it was taken; agents answer where they were written to; the roads to the providers are slow, so that
calls are under way when something dies. With `--faults on` the providers misbehave as well: they answer late, never, or
that it is too much, break, refuse, lose their answer, report before they answer, twice, out of order or not at all.
Shorter than people would have it are only WASL_DELIVERY_IN_DOUBT_WAIT (6 s instead of 10 minutes) and
WASL_DELIVERY_RETRY_WAIT (1 s instead of 30).
"""


def main() -> None:
    """Run, print, and end with 1 when anything was not as it must be."""
    # Every customer is a process of its own, which reads this module and should read no more.
    from bench.storm.run import run

    run(__doc__ or "")


if __name__ == "__main__":
    main()
