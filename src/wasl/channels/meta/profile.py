"""What somebody is called on Messenger or Instagram: their webhooks bring an id and no name.

Source: Meta for Developers, "Messenger Platform: User Profile API", "Instagram Platform: User Profile API". It answers
for people who have written to the Page or account; some share nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from wasl.channels import provider
from wasl.channels.base import Reason, TemporaryFailure
from wasl.channels.meta.graph import base, signed
from wasl.channels.meta.send import Platform
from wasl.channels.port import Settings

FIELDS = {"messenger": "first_name,last_name", "instagram": "name,username"}


def profile(inbox: Settings, address: str, platform: Platform) -> str:
    """Their name, '' where they share none. Raises Unreached or TemporaryFailure."""
    place = f"{base(inbox)}/{quote(address, safe='')}?fields={FIELDS[platform.name]}"
    said = provider.ask("GET", place, headers=signed(inbox), private=inbox.private, changes=False)
    if said.status != 200:
        raise TemporaryFailure(str(said.status), "no profile", said.retry_after, Reason.OTHER)
    parts = [said.body.get(name) for name in ("first_name", "last_name")]
    whole = " ".join(each for each in parts if isinstance(each, str) and each.strip())
    others = (said.body.get(name) for name in ("name", "username"))
    return whole or next((each for each in others if isinstance(each, str) and each.strip()), "")
