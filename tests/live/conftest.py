"""A web front in a process of its own."""

import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.processes import free_port, role, wait_for_port
from wasl.kit.postgres import Cluster


def _unhealthy(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", "/healthz")
    try:
        return line.getresponse().status != 200
    finally:
        line.close()


@pytest.fixture(scope="module")
def port(cluster: Cluster) -> Iterator[int]:
    """The port of a front that serves `tests/doors/site.py`."""
    number = free_port()
    settings = {"WASL_HTTP_PORT": str(number), "DJANGO_SETTINGS_MODULE": "tests.doors.site"}
    with role("wasl.doors.web:serve", **settings) as process:
        wait_for_port(number, process)
        while _unhealthy(number):
            time.sleep(0.01)
        yield number
