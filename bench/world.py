"""What a benchmark needs in the database before it can begin."""

from tests.worlds import Shop
from wasl.accounts import tokens
from wasl.kit.db import tenant

_shops: list[Shop] = []


def shop() -> Shop:
    """The one workspace of the benchmark."""
    if not _shops:
        _shops.append(Shop.create())
    return _shops[0]


def api_inbox() -> tuple[str, str]:
    """The id of the API inbox and a token that may write to it."""
    here = shop()
    actor = here.actor("owner")
    with tenant(here.id):
        secret, _ = tokens.create(actor, "bench", "agent")
    return str(here.forms.id), secret
