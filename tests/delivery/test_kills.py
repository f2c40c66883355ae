"""kill -9 of workers, wherever they are: nothing is lost, and what may be doubled is known to be in doubt."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.delivery import process
from tests.delivery.road import Road, turn_until
from tests.sandbox.stand import Stand
from wasl.channels.email.parse import parse
from wasl.sandbox.place import message_id


class Stalling:
    """A server that takes a message, lets the test look, and never answers the final dot."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep = keep
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.stalled = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        conn, _ = self._server.accept()
        with conn, conn.makefile("rb") as lines:
            conn.sendall(b"220 here\r\n")
            for line in lines:
                if line.upper().startswith(b"DATA"):
                    conn.sendall(b"354 go on\r\n")
                    content = b"".join(iter(lines.readline, b".\r\n"))
                    self._keep(content)
                    self.stalled.set()
                    lines.read()  # until the line drops
                    return
                conn.sendall(b"250 ok\r\n")

    def close(self) -> None:
        self._thread.join(10)
        self._server.close()


@contextmanager
def killed_at_the_final_dot(road: Road, stand: Stand, keep: Callable[[bytes], None]) -> Iterator[Any]:
    """A message that is being sent when its worker is killed; then the provider works as usual."""
    config = stand.config()
    server = Stalling(keep)
    road.configure(config | {"smtp": config["smtp"] | {"port": server.port}})
    one = road.send()
    worker = process.start(lease=0.5)
    try:
        assert server.stalled.wait(10)
        worker.kill()
    finally:
        process.end(worker)
        server.close()
    assert road.state(one) == "sending"
    road.configure(config)
    yield one


def test_killed_after_the_provider_took_it(road: Road, stand: Stand) -> None:
    def keep(content: bytes) -> None:
        stand.place.take(message_id(content))
        stand.place.deliver("salma@barid.example", content)

    with killed_at_the_final_dot(road, stand, keep) as one:
        sender = road.sender(lease=0.5)
        turn_until(sender, lambda: road.state(one) == "in_doubt")
        assert road.outcomes(one) == ["in_doubt"]
        turn_until(sender, lambda: not road.unended([one]))
        sender.close()
    assert (road.state(one), road.outcomes(one)) == ("sent", ["in_doubt"])
    assert road.kinds(one) == ["in_doubt", "sent"]
    assert len(stand.place.mails("salma@barid.example")) == 1


def test_killed_before_the_provider_took_it(road: Road, stand: Stand) -> None:
    with killed_at_the_final_dot(road, stand, lambda content: None) as one:
        sender = road.sender(lease=0.5)
        turn_until(sender, lambda: not road.unended([one]))
        sender.close()
    assert (road.state(one), road.outcomes(one)) == ("sent", ["in_doubt", "sent"])
    assert len(stand.place.mails("salma@barid.example")) == 1


COUNT = 200


def wait(done: Callable[[], bool], patience: float = 60.0) -> None:
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("lookup", [True, False])
def test_killed_again_and_again(road: Road, stand: Stand, lookup: bool) -> None:
    """Three workers, killed one after the other in the middle of their work; a fourth brings it to its end."""
    road.configure(stand.config(lookup=lookup))
    stand.pause = 0.02
    dice = random.Random(8)
    workers = [process.start(lease=2.0) for _ in range(3)]
    ids = [road.send(f"c{n}@barid.example") for n in range(COUNT)]
    try:
        for number, worker in enumerate(workers):
            left = COUNT - dice.randrange(30 + 50 * number, 60 + 50 * number)
            wait(lambda left=left: road.unended(ids) <= left)  # type: ignore[misc]
            worker.kill()
        for worker in workers:
            process.end(worker)
        assert road.unended(ids) > 0
        workers.append(process.start(lease=2.0))
        wait(lambda: not road.unended(ids))
    finally:
        for worker in workers:
            process.end(worker)
    copies = Counter(
        parse(mail.path.read_bytes()).message_id
        for n in range(COUNT)
        for mail in stand.place.mails(f"c{n}@barid.example")
    )
    doubted = {
        f"{row[0].hex}@shop.example"
        for row in road.owner.execute(
            "SELECT d.message_id FROM delivery_delivery d JOIN delivery_attempt a ON a.delivery_id = d.id"
            " WHERE a.outcome = 'in_doubt'"
        )
    }
    assert {road.state(one) for one in ids} == {"sent"}
    assert len(copies) == COUNT, "none is lost"
    doubles = {one for one, count in copies.items() if count > 1}
    assert doubles <= doubted
    assert max(copies.values()) <= 2
    assert 0 < len(doubted) <= 3 * process.SENDERS, "no more than were in hand when a worker died"
    assert not (lookup and doubles), "who can be asked gets nothing twice"
