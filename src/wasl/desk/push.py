"""Web push: an agent's devices ring, with a text that only they can read (`kit.webpush`)."""

from dataclasses import dataclass
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.desk.models import Device
from wasl.kit import outside, webpush
from wasl.kit.clock import now

MOST = 10
"""Devices an agent may have; a new one takes the place of the oldest."""

LONGEST_LIFE = 24 * 3600
"""Seconds for which a push service keeps what it cannot deliver."""

TIMEOUT = 10.0


class BadDevice(ValueError):
    """What a browser says of itself cannot be used."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What a device needs to be called."""

    id: UUID
    endpoint: str
    key: bytes
    auth: bytes


def subscribe(
    actor: Actor, endpoint: str, key: str, auth: str, label: str = "", *, private: bool = False
) -> None:
    """Remember a browser. Raises BadDevice."""
    try:
        point, secret = webpush.subscription(endpoint, key, auth, private=private)
    except ValueError as error:
        raise BadDevice from error
    if actor.agent_id is None:
        raise BadDevice
    Device.objects.update_or_create(
        workspace_id=actor.workspace_id,
        agent_id=actor.agent_id,
        endpoint=endpoint,
        defaults={"key": point, "auth": secret, "label": label[:80], "created_at": now()},
    )
    kept = Device.objects.filter(agent_id=actor.agent_id).order_by("-created_at").values_list("id", flat=True)
    Device.objects.filter(id__in=list(kept[MOST : MOST + 100])).delete()


def unsubscribe(actor: Actor, endpoint: str) -> None:
    """Forget a browser."""
    if actor.agent_id:
        Device.objects.filter(agent_id=actor.agent_id, endpoint=endpoint).delete()


def ring(device: Ring, text: bytes, subject: str, topic: str, *, private: bool = False) -> bool:
    """Call a device; False when it is gone for good. Raises outside.NotCalled and Refused.

    `text` has at most 3,000 bytes; `subject` is a mailto: or https: address of ours; a text of the same `topic` takes
    the place of one that was not delivered yet (RFC 8030, §5.4).
    """
    body, headers = webpush.request(
        device.endpoint, device.key, device.auth, text, subject=subject, topic=topic, life=LONGEST_LIFE
    )
    answer = outside.post(device.endpoint, body, headers, timeout=TIMEOUT, private=private)
    if answer.status in (404, 410):
        return False
    if not 200 <= answer.status < 300:
        raise Refused(answer.status)
    return True


class Refused(Exception):
    """The push service said no for now."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status
