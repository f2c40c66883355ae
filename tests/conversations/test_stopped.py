"""An agent cannot write to somebody who wants nothing more, and is told why before anything leaves."""

import pytest

from tests.conversations.test_consent import NUMBER, Telephone
from tests.worlds import Shop
from wasl.accounts.actor import Actor
from wasl.channels.queries import visible_inboxes
from wasl.conversations.models import Conversation
from wasl.conversations.reply import CannotReply, reply
from wasl.conversations.ways import best, ways
from wasl.delivery.models import Delivery
from wasl.kit.db import tenant
from wasl.workspace.views.compose import why_not


def test_a_reply_is_refused_in_words_until_they_start_again(shop: Shop) -> None:
    phone = Telephone(shop)
    phone.says("Where is my parcel?", "STOP")
    with tenant(shop.id):
        agent = shop.agents["agent"]
        actor = Actor(shop.id, agent.role, visible_inboxes(agent.id, agent.role), agent_id=agent.id, name="A")
        conversation = Conversation.objects.get()
        found = ways(actor, conversation)
        assert [(way.address, way.why) for way in found] == [(NUMBER, "stopped")]
        assert best(found) is None
        with pytest.raises(CannotReply) as caught:
            reply(actor, conversation.id, "It is on its way")
        assert caught.value.reason == "stopped"
        assert "START" in why_not(caught.value.reason)
        assert not Delivery.objects.exists()
    phone.says("START")
    with tenant(shop.id):
        reply(actor, conversation.id, "It is on its way")
        assert Delivery.objects.get().address == NUMBER
