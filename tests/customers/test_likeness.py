"""The matcher, on its own: what is alike, what it says, and what two records come to."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import shared
from wasl.customers.closeness import edits, jaro_winkler, key_of, skeleton, words_of
from wasl.customers.likeness import MOST_RARE, Model, Person, compare, judge, learn, rarity
from wasl.customers.points import CHANNEL, CLAIMED, TOKEN, is_desk, point_of
from wasl.customers.sameness import Record, agree, codes, is_news, is_shared, look
from wasl.customers.weights import CUSTOMERS, MODEL, SUGGEST, USUAL

WORD = st.text("abcdeé", max_size=9)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ("martha", "marhta", 0.9611),
        ("dixon", "dicksonx", 0.8133),
        ("dwayne", "duane", 0.8400),
        ("abc", "xyz", 0.0),
    ],
)
def test_jaro_winkler_gives_the_published_values(a: str, b: str, value: float) -> None:
    """Winkler (1990), table 2."""
    assert round(jaro_winkler(a, b), 4) == value


@pytest.mark.parametrize(
    ("a", "b", "n"), [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("ca", "abc", 3)]
)
def test_edits_count_what_typing_does(a: str, b: str, n: int) -> None:
    assert edits(a, b) == n


@given(WORD, WORD)
def test_closeness_is_the_same_from_both_sides(a: str, b: str) -> None:
    assert jaro_winkler(a, b) == pytest.approx(jaro_winkler(b, a))
    assert 0 <= jaro_winkler(a, b) <= 1
    assert edits(a, b) == edits(b, a) <= max(len(a), len(b))
    assert (edits(a, b) == 0) == (a == b)


@pytest.mark.parametrize(
    ("latin", "arabic"),
    [
        ("Mohamed Ben Ali", "محمد بن علي"),
        ("Muhammad Benali", "مُحَمَّد بن علي"),
        ("Amina Khelifi", "أمينة خليفي"),
        ("KHELIFI Amina", "أمينة خليفي"),
        ("Yacine Chérif", "ياسين شريف"),
        ("Fatima Zahra", "فاطمة الزهراء"),
        ("Abderrahmane Mansouri", "عبد الرحمن منصوري"),
    ],
)
def test_a_name_is_found_in_either_script(latin: str, arabic: str) -> None:
    assert key_of(words_of(latin)) == key_of(words_of(arabic)) != ""


def test_a_name_of_one_word_finds_nobody() -> None:
    assert key_of(words_of("Amina")) == key_of(words_of("Dr. Amina")) == key_of(words_of("")) == ""
    assert skeleton("山田") == ""


def test_what_is_silent_says_nothing() -> None:
    assert (
        compare(Person(), Person(names=("amina",), born="19800101", phones=frozenset({"tel:+1"}))).levels
        == {}
    )
    nothing = judge(MODEL, compare(Person(), Person()))
    assert nothing.probability == pytest.approx(MODEL.prior)
    assert nothing.reasons == ()


def test_names_are_compared_whichever_way_round() -> None:
    a, b = Person(names=("amina", "khelifi")), Person(names=("khelify", "amina"))
    assert compare(a, b).levels == {"name": "same+near"}
    assert compare(a, Person(names=("amina",))).levels == {"name": "same+"}
    assert compare(a, Person(names=("karim", "khelifi"))).levels == {"name": "same+other"}
    assert compare(Person(names=("أمينة", "خليفي")), a).levels["name"] != "other+other"


def test_days_turned_round_and_typed_wrong_are_near() -> None:
    day = Person(born="19800412")
    assert compare(day, Person(born="19801204")).levels == {"born": "near"}
    assert compare(day, Person(born="19800413")).levels == {"born": "near"}
    assert compare(day, Person(born="19910413")).levels == {"born": "other"}


def test_a_rare_word_says_more_than_a_common_one() -> None:
    found = compare(Person(names=("zerrouki",)), Person(names=("zerrouki",)))
    rare = rarity(found, lambda *_: USUAL["name"] / 8, USUAL)
    assert rare == {"name": pytest.approx(3.0)}
    assert rarity(found, lambda *_: 1e-12, USUAL) == {"name": MOST_RARE}
    assert rarity(found, lambda *_: 0.9, USUAL) == {"name": -MOST_RARE}
    assert judge(MODEL, found, rare).bits == pytest.approx(judge(MODEL, found).bits + 3)


def test_reasons_add_up_to_the_probability() -> None:
    a = Person(names=("amina", "khelifi"), born="19800412", town="oran")
    b = Person(names=("amina", "khelifi"), born="19800421", town="alger")
    told = judge(MODEL, compare(a, b))
    odds = MODEL.prior / (1 - MODEL.prior)
    for reason in told.reasons:
        odds *= 2**reason.bits
    assert told.probability == pytest.approx(odds / (1 + odds), abs=0.002)
    assert [r.bits for r in told.reasons] == sorted((r.bits for r in told.reasons), reverse=True)


def test_expectation_and_maximisation_find_m_and_u_that_nobody_told_them() -> None:
    chance = random.Random(3)
    m, u, prior = {"a": 0.9, "b": 0.8, "c": 0.95}, {"a": 0.05, "b": 0.2, "c": 0.1}, 0.3
    patterns = []
    for _ in range(20_000):
        share = m if chance.random() < prior else u
        patterns.append({what: "same" if chance.random() < p else "other" for what, p in share.items()})
    model = learn(patterns)
    assert model.prior == pytest.approx(prior, abs=0.02)
    for what in m:
        assert model.weights[what]["same"] == pytest.approx((m[what], u[what]), abs=0.03)


def test_every_level_that_can_be_found_has_a_weight() -> None:
    assert all({"same", "other"} <= set(levels) for what, levels in MODEL.weights.items() if what != "name")
    for model in (MODEL, CUSTOMERS):
        assert isinstance(model, Model)
        assert len(model.weights["name"]) == 9
        for levels in model.weights.values():
            assert sum(m for m, _ in levels.values()) == pytest.approx(1, abs=0.01)
            assert sum(u for _, u in levels.values()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("channel", "address", "point"),
    [
        ("whatsapp", "213550123456", "tel:+213550123456"),
        ("sms", "+213550123456", "tel:+213550123456"),
        ("voice", "+213550123456", "tel:+213550123456"),
        ("sms", "24365", ""),
        ("whatsapp", "user:DZ.8842", ""),
        ("email", "amina@example.com", "mail:amina@example.com"),
        ("api", "Amina@example.com", "mail:amina@example.com"),
        ("telegram", "213550123456", ""),
        ("instagram", "17841400", ""),
    ],
)
def test_one_point_on_every_channel(channel: str, address: str, point: str) -> None:
    assert point_of(channel, address) == point


def record(n: int, name: str = "", **points: str) -> Record[int]:
    """`tel=how` or `mail=how`: both records have the same number and mailbox."""
    words = words_of(name)
    kept = {
        f"{what}:{'+21355' if what == 'tel' else 'amina@example.com'}": how for what, how in points.items()
    }
    return Record(n, frozenset({words} if words else ()), kept, frozenset(filter(None, [key_of(words)])))


def verdict(a: Record[int], b: Record[int], *seen: str, holders: int = 2) -> str:
    """What is said of the two, when the point was also seen with these names."""
    names = frozenset(a.names | b.names | {words_of(name) for name in seen})
    return look(a, b, lambda _: names, lambda _: holders).what


def test_what_two_networks_vouch_for_is_one() -> None:
    assert verdict(record(1, tel=CHANNEL), record(2, "Amina Khelifi", tel=CHANNEL)) == "one"
    assert verdict(record(1, mail=TOKEN), record(2, "Amina Khelifi", mail=CHANNEL)) == "one"
    assert verdict(record(1, "Amina", tel=CHANNEL), record(2, "Amina Khelifi", tel=CHANNEL)) == "one"


def test_what_was_only_said_is_a_suggestion() -> None:
    assert verdict(record(1, tel=CLAIMED), record(2, "Amina Khelifi", tel=CHANNEL)) == "maybe"
    assert (
        verdict(record(1, "Amina Khelifi", mail=CLAIMED), record(2, "Amina Khelifi", mail=CHANNEL)) == "maybe"
    )


def test_a_letter_apart_is_never_one_by_itself() -> None:
    assert verdict(record(1, "Samir Ouali", tel=CHANNEL), record(2, "Samira Ouali", tel=CHANNEL)) != "one"
    assert verdict(record(1, "حسن فرحات", tel=CHANNEL), record(2, "حسين فرحات", tel=CHANNEL)) != "one"


def test_a_shared_telephone_and_a_reception_desk_link_nobody() -> None:
    both = record(1, tel=CHANNEL), record(2, "Amina Khelifi", tel=CHANNEL)
    assert verdict(*both, "Karim Khelifi") == "no"
    desk = {"mail:reception@clinic.example": CHANNEL}
    a, b = (Record(n, frozenset({("amina", "khelifi")}), desk) for n in (1, 2))
    assert is_desk("mail:reception@clinic.example")
    assert is_desk("mail:info+web@clinic.example")
    assert not is_desk("mail:amina@clinic.example")
    assert verdict(a, b) != "one"


def test_a_name_alone_is_a_suggestion_only_while_few_have_it() -> None:
    a, b = record(1, "Amina Khelifi"), record(2, "أمينة خليفي")
    assert verdict(a, b) == "maybe"
    assert verdict(a, b, holders=9) == "no"


def test_names_of_one_and_of_several() -> None:
    assert agree([("amina",), ("amina", "khelifi"), ()])
    assert not agree([("amina",), ("amine",)])
    assert is_shared([("amina", "khelifi"), ("karim", "khelifi")])
    assert not is_shared([("amina", "khelifi"), ("khelifi", "amina"), ("amina",)])


def test_only_news_brings_back_what_was_refused() -> None:
    assert is_news(["name:same+same", "phone:same"], ["name:same+same"])
    assert not is_news(["name:same+same", "phone:other"], ["name:same+same"])
    found = look(record(1, "Amina K"), record(2, "Amina K"), lambda _: frozenset(), lambda _: 2)
    assert codes(found.likeness.reasons) == ["name:same+same"]


def test_in_a_town_of_families_and_desks_nobody_is_linked_wrongly() -> None:
    town = shared.Town(11)
    told = [(town.look(a, b), town.same(a, b)) for a, b in town.pairs()]
    linked = [same for found, same in told if found.what == "one"]
    offered = [same for found, same in told if found.what == "maybe"]
    assert len(linked) > 300
    assert all(linked)
    assert sum(offered) > 0.9 * len(offered)
    assert SUGGEST > 0
