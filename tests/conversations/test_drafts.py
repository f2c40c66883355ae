"""Drafts on the server: restored anywhere, never overwritten unseen, gone when sent."""

from uuid import UUID

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.conversations import drafts, listing
from wasl.conversations.drafts import CannotAttach, Conflict
from wasl.conversations.models import Conversation, Draft, DraftFile
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail("Où est ma facture ?"))
    with tenant(shop.id):
        return Conversation.objects.get()


def kept(shop: Shop, conversation: Conversation, way: str = "out", role: str = "agent") -> drafts.Kept:
    with tenant(shop.id):
        return drafts.of(shop.actor(role), conversation.id)[way]


def test_what_was_typed_is_there_again_for_each_agent_and_way(shop: Shop, conversation: Conversation) -> None:
    key, actor = uuid7(), shop.actor()
    with tenant(shop.id):
        first = drafts.save(actor, conversation.id, "out", "", "<p><b>Bon</b></p>", key=key)
        second = drafts.save(
            actor, conversation.id, "out", "Bonjour", key=key, version=first, meta={"known": "1.a", "x": 1}
        )
        drafts.save(actor, conversation.id, "note", "entre nous", key=uuid7())
        assert [row.begun for row in listing.page(actor).rows] == [True]
        assert [row.begun for row in listing.page(shop.actor("admin")).rows] == [False]
    assert second > first > 0
    found = kept(shop, conversation)
    assert (found.text, found.html, found.key, found.version) == ("Bonjour", "", key, second)
    assert found.meta == {"known": "1.a"}
    assert kept(shop, conversation, "note").text == "entre nous"
    assert kept(shop, conversation, "out", "admin").text == ""


def test_of_two_tabs_the_one_that_did_not_see_is_told(shop: Shop, conversation: Conversation) -> None:
    key, actor = uuid7(), shop.actor()
    with tenant(shop.id):
        version = drafts.save(actor, conversation.id, "out", "un", key=key)
        drafts.save(actor, conversation.id, "out", "un, deux", key=key, version=version)
        for seen in (0, version):
            with pytest.raises(Conflict) as said:
                drafts.save(actor, conversation.id, "out", "trois", key=key, version=seen)
            assert (said.value.kept.text, said.value.sent) == ("un, deux", False)


def test_a_draft_that_was_sent_elsewhere_does_not_come_back(shop: Shop, conversation: Conversation) -> None:
    key, actor = uuid7(), shop.actor()
    with tenant(shop.id):
        version = drafts.save(actor, conversation.id, "out", "un", key=key)
        reply(actor, conversation.id, "un", key=key)
        drafts.clear(actor, conversation.id, "out")
        for seen in (0, version):
            with pytest.raises(Conflict) as said:
                drafts.save(actor, conversation.id, "out", "un", key=key, version=seen)
            assert said.value.sent
        assert not Draft.objects.exists()


def test_a_draft_without_words_is_none(shop: Shop, conversation: Conversation) -> None:
    actor, key = shop.actor(), uuid7()
    with tenant(shop.id):
        version = drafts.save(actor, conversation.id, "out", "un", key=key)
        assert drafts.save(actor, conversation.id, "out", " ", key=key, version=version) == 0
        assert not Draft.objects.exists()
        with pytest.raises(CannotReply, match="too_long"):
            drafts.save(actor, conversation.id, "out", "x" * 100_001, key=key)
        # It took 12 seconds, without a limit to how deep it may go.
        with pytest.raises(CannotReply, match="too_long"):
            drafts.save(actor, conversation.id, "out", "x", key=key, html="<blockquote>" * 30_000)


def test_files_are_kept_with_it_within_limits(
    shop: Shop, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, key = shop.actor(), uuid7()
    with tenant(shop.id):
        file, version = drafts.add_file(
            actor, conversation.id, "out", Upload("a.png", "image/png", content=b"12345"), key=key
        )
        html = f'<p>vois <img data-cid="{file.id.hex}"></p>'
        version = drafts.save(actor, conversation.id, "out", "", html, key=key, version=version)
        assert drafts.file(actor, file.id).filename == "a.png"
        for other in ("admin", "readonly"):
            with pytest.raises(NotFound):
                drafts.file(shop.actor(other), file.id)
        monkeypatch.setattr(drafts, "TOTAL_LIMIT", 8)
        with pytest.raises(CannotAttach, match="too_large"):
            drafts.add_file(actor, conversation.id, "out", Upload("b", "", content=b"1234"), key=key)
        monkeypatch.setattr(drafts, "FILES_LIMIT", 1)
        with pytest.raises(CannotAttach, match="too_many_files"):
            drafts.add_file(actor, conversation.id, "out", Upload("b", "", content=b"1"), key=key)
        assert drafts.remove_file(actor, file.id) == version
        assert "img" not in Draft.objects.get().html
        assert not DraftFile.objects.exists()


def test_files_keep_the_order_in_which_they_were_chosen(shop: Shop, conversation: Conversation) -> None:
    actor, key = shop.actor(), uuid7()
    with tenant(shop.id):
        for name, at in (("c", 2), ("a", 0), ("b", 1), ("d", None)):
            drafts.add_file(actor, conversation.id, "out", Upload(name, "", content=b"1"), key=key, at=at)
        kept = drafts.of(actor, conversation.id)["out"].files
    assert [each.filename for each in kept] == ["a", "b", "c", "d"]


def test_a_draft_of_files_alone_ends_with_the_last(shop: Shop, conversation: Conversation) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        file, _ = drafts.add_file(actor, conversation.id, "note", Upload("a", "", content=b"1"), key=uuid7())
        assert drafts.remove_file(actor, file.id) == 0
        assert not Draft.objects.exists()


def test_who_may_not_answer_keeps_no_drafts(shop: Shop, conversation: Conversation) -> None:
    other = Shop.create("other", "help@other.example")
    with tenant(shop.id), pytest.raises(Forbidden):
        drafts.save(shop.actor("readonly"), conversation.id, "out", "x", key=uuid7())
    with tenant(other.id), pytest.raises(NotFound):
        drafts.save(other.actor(), conversation.id, "out", "x", key=uuid7())
    with tenant(shop.id), pytest.raises(NotFound):
        drafts.save(shop.actor(), conversation.id, "in", "x", key=uuid7())
    with tenant(shop.id), pytest.raises(NotFound):
        drafts.save(shop.actor(), UUID(int=1), "out", "x", key=uuid7())
