"""Answers that take a call to the outside, which no transaction may wait for."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpResponse


class Later(HttpResponse):
    """What a view returns instead of an answer: `work` gives it, once the view's transaction is over.

    `work` reads and writes nothing in the database but in transactions of its own.
    """

    def __init__(self, work: Callable[[], HttpResponse]) -> None:
        super().__init__()
        self._work = work

    def now(self) -> HttpResponse:
        """Do it, holding no connection to the database meanwhile."""
        connection.close()
        return self._work()
