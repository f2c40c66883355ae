"""How the front ends, and what it says when it cannot begin."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.doors.fronts import SERVE, SITE, front
from tests.live.browser import Browser, sign_in
from tests.processes import role
from tests.worlds import Shop
from wasl.kit.postgres import Cluster


def test_stopping_ends_open_streams_and_finishes_answers(shop: Shop) -> None:
    key = sign_in(shop.users["agent"])
    with front() as web, ThreadPoolExecutor(1) as pool:
        browsers = [Browser(web.port, key).greeted() for _ in range(5)]
        half = web.open("POST /echo HTTP/1.1\nHOST\nContent-Length: 100\n\nhalf")
        page = pool.submit(web.get, "/slow?seconds=0.5")
        time.sleep(0.2)
        started = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        for browser in browsers:
            event = browser.event()
            assert (event.name, event.data) == ("end", "stopping")
            browser.close()
        assert page.result().body == b"done"
        assert web.process.wait(40) == 0
        assert time.monotonic() - started < 4
        half.close()


def test_an_idle_front_with_streams_stops_at_once(shop: Shop) -> None:
    key = sign_in(shop.users["agent"])
    with front() as web:
        browsers = [Browser(web.port, key).greeted() for _ in range(20)]
        started = time.monotonic()
        web.process.send_signal(signal.SIGINT)
        assert web.process.wait(40) == 0
        assert time.monotonic() - started < 4
        for browser in browsers:
            browser.close()


def test_a_page_that_never_ends_does_not_hold_up_the_end(cluster: Cluster) -> None:
    with front() as web, web.open("GET /slow?seconds=60 HTTP/1.1\nHOST\n\n"):
        time.sleep(0.3)
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(40) == 0


def test_a_port_that_is_taken_is_said_in_words(cluster: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    with front() as web, role(SERVE, **SITE, WASL_HTTP_PORT=str(web.port)) as second:
        assert second.wait(90) == 1
    said = capfd.readouterr().err
    assert said == (
        f"Pages cannot be served on 127.0.0.1 port {web.port}: Address already in use. "
        "Choose another with WASL_HTTP_HOST and WASL_HTTP_PORT.\n"
    )
