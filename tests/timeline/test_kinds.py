"""What may be said in clear: words from closed lists, the same lists that the rooms above use."""

import re
from typing import get_args

from wasl.channels.base import Auto, Language, Reason
from wasl.timeline import kinds


def test_the_words_of_the_channels_can_be_said() -> None:
    assert set(get_args(Language)) == kinds.LANGUAGES
    assert set(get_args(Auto)) == kinds.AUTO
    assert set(Reason) <= kinds.REASONS


def test_every_word_is_plain_ascii_so_that_the_canonical_form_needs_no_escapes() -> None:
    for kind, facts in kinds.KINDS.items():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind)
        for name, words in facts.items():
            assert re.fullmatch(r"[a-z_]+", name)
            assert all(re.fullmatch(r"[a-z_-]*", word) for word in words or ())


def test_the_canonical_form_does_not_depend_on_how_it_was_said() -> None:
    one = kinds.clear("message.received", {"size": 3, "language": "ar", "opened": True})
    two = kinds.clear("message.received", {"opened": 1, "language": "ar", "size": 3})
    assert one == two == '{"language":"ar","opened":1,"size":3}'
    assert kinds.clear("message.sent", {}) == "{}"
