"""What goes into the access log is said in words, and the lists of what does not name routes that exist."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern

from tests.workspace.test_access import ALL
from wasl.workspace import deeds, watch
from wasl.workspace.middleware import PUBLIC

ROUTES = {entry.name or "": entry for _, entry in ALL}


def methods(view: Callable[..., Any] | None) -> set[str] | None:
    """What a view's `require_…` decorator lets through; None where there is none."""
    while view is not None:
        names = getattr(view, "__code__", None)
        for name, cell in zip(names.co_freevars if names else (), view.__closure__ or (), strict=False):
            if name == "request_method_list":
                return set(cell.cell_contents)
        view = getattr(view, "__wrapped__", None)
    return None


def changes(entry: URLPattern) -> bool:
    allowed = methods(entry.callback)
    return allowed is None or bool(allowed - {"GET", "HEAD"})


def test_the_lists_name_routes_that_exist() -> None:
    assert (watch.QUIET | watch.RECORDED | watch.LOOKS) - ROUTES.keys() == set()


def test_every_change_that_is_written_down_has_a_sentence() -> None:
    written = (
        {name for name, entry in ROUTES.items() if changes(entry) and not name.startswith(watch.SANDBOX)}
        - watch.QUIET
        - watch.RECORDED
        - PUBLIC
    )
    assert len(written) > 50
    assert {name for name in written | watch.LOOKS if name not in deeds.SENTENCES} == set()
