"""Customers as a business sees them: people with several channels, families with one telephone, reception desks.

Made by chance with a fixed seed. Everybody comes on one to four channels, under the name that they write there: in
Arabic or Latin letters, spelt as it comes, the first name only, or none. Of a telephone or mailbox that several share,
at least two names are seen sooner or later; where nobody ever says a second name, nobody could know.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from wasl.customers.closeness import key_of, words_of
from wasl.customers.points import CHANNEL, CLAIMED, TOKEN
from wasl.customers.sameness import Record, Verdict, is_shared, levels, look

HOMES = 900
DESKS = 60
BLOCK = 20
"""Customers with one point or one name that are compared with each other; more say nothing."""

_GIVEN = (
    "Amina أمينة|Amine أمين|Karim كريم|Karima كريمة|Samir سمير|Samira سميرة|Nadir نذير|Nadia نادية|Yacine ياسين|"
    "Yasmine ياسمين|Mohamed محمد|Ahmed أحمد|Fatima فاطمة|Khadija خديجة|Aïcha عائشة|Omar عمر|Ali علي|Youssef يوسف|"
    "Ibrahim إبراهيم|Ismail إسماعيل|Leïla ليلى|Salima سليمة|Salim سليم|Rachid رشيد|Rachida رشيدة|Mourad مراد|"
    "Hocine حسين|Hassan حسن|Houria حورية|Djamila جميلة|Farid فريد|Farida فريدة|Malika مليكة|Malek مالك|Sofiane سفيان|"
    "Tarek طارق|Walid وليد|Zineb زينب|Meriem مريم|Sarah سارة|Lina لينا|Ines إيناس|Bilal بلال|Anis أنيس|Reda رضا"
)
_FAMILY = (
    "Khelifi خليفي|Haddad حداد|Benali بن علي|Bensalem بن سالم|Mansouri منصوري|Cherif شريف|Boudiaf بوضياف|"
    "Brahimi براهيمي|Saidi سعيدي|Hamidi حميدي|Belkacem بلقاسم|Ziani زياني|Meziane مزيان|Larbi العربي|Touati تواتي|"
    "Rahmani رحماني|Slimani سليماني|Kaci قاسي|Djebbar جبار|Bouzid بوزيد|Ferhat فرحات|Guerroudj قروج|Hadj حاج|"
    "Nouri نوري|Amrani عمراني|Chaoui شاوي|Daoud داود|Taleb طالب|Yahia يحيى|Zerrouki زروقي|Lounis لونيس|Mokrani مقراني|"
    "Ouali والي|Rezig رزيق|Sahraoui صحراوي|Tahar طاهر|Bachir بشير|Abbas عباس|Hamdi حمدي|Mebarki مباركي"
)
GIVEN, FAMILY = _GIVEN.split("|"), _FAMILY.split("|")


class Someone(NamedTuple):
    """A person, with what is theirs alone and what they share."""

    number: int
    given: str
    family: str
    phone: str
    mail: str
    home_phone: str
    home_mail: str


class Seen(NamedTuple):
    """A customer as the business came to know them, and who it truly is."""

    who: int
    name: str
    points: dict[str, str]


def people(chance: random.Random) -> list[Someone]:
    """Homes of one to five, and desks of three to eight; shared points are '' where there are none."""
    found: list[Someone] = []
    for home in range(HOMES + DESKS):
        desk = home >= HOMES
        size = chance.randint(3, 8) if desk else chance.choice((1, 1, 2, 2, 3, 4, 5))
        family = chance.choice(FAMILY)
        shared = desk or (size > 1 and chance.random() < 0.5)
        phone = f"tel:+21321{home:06d}" if shared else ""
        mail = (
            f"mail:{'cabinet' if desk else 'famille'}{home}@example.com"
            if shared and chance.random() < 0.6
            else ""
        )
        for given in chance.sample(GIVEN, size):  # nobody gives two children one name
            n = len(found)
            own_family = chance.choice(FAMILY) if desk else family
            latin = f"{given.split()[0]}.{own_family.split()[0]}{n}".lower().replace("ï", "i")
            found.append(
                Someone(n, given, own_family, f"tel:+2135{n:08d}", f"mail:{latin}@example.com", phone, mail)
            )
    return found


def seen(chance: random.Random, one: Someone) -> Iterator[Seen]:
    """The channels one comes on."""
    for _ in range(chance.choice((1, 2, 2, 3, 4))):
        way = chance.choice(("whatsapp", "sms", "voice", "mail", "signed", "chat", "form"))
        phone = one.home_phone if one.home_phone and chance.random() < 0.35 else _own(chance, one.phone, 0.12)
        mail = one.home_mail if one.home_mail and chance.random() < 0.35 else _own(chance, one.mail, 0.3)
        is_shared_phone = phone == one.home_phone
        if way in ("sms", "voice", "whatsapp"):
            # Whoever uses a shared number says who they are, now and then; their own needs no name.
            unnamed = 0.0 if is_shared_phone else 0.9 if way != "whatsapp" else 0.15
            yield Seen(one.number, "" if chance.random() < unnamed else write(chance, one), {phone: CHANNEL})
        elif way == "mail":
            how = CHANNEL if chance.random() < 0.7 else CLAIMED
            yield Seen(one.number, write(chance, one), {mail: how})
        elif way == "signed":
            yield Seen(one.number, write(chance, one), {mail: TOKEN})
        elif way == "chat":
            yield Seen(
                one.number,
                write(chance, one) if chance.random() < 0.6 else "",
                {chance.choice((mail, phone)): CLAIMED},
            )
        else:
            yield Seen(one.number, write(chance, one), {mail: CLAIMED, phone: CLAIMED})


def _own(chance: random.Random, point: str, second: float) -> str:
    """Their number or mailbox, or the second one that they have for work."""
    return f"{point}0" if chance.random() < second else point


def write(chance: random.Random, one: Someone) -> str:
    """Their name, as it comes."""
    at = chance.random() < 0.35
    given, family = (part.split(" ", 1)[at] for part in (one.given, one.family))
    if not at and chance.random() < 0.12 and len(given) > 3:
        spot = chance.randrange(1, len(given) - 1)
        given = given[:spot] + given[spot + 1] + given[spot] + given[spot + 2 :]
    pick = chance.random()
    if pick < 0.12:
        return given
    return f"{family} {given}" if pick < 0.25 else f"{given} {family}"


class Town:
    """Everything that was seen, with the ways to find it."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        everybody = people(chance)
        self.seen = [one for person in everybody for one in seen(chance, person)]
        chance.shuffle(self.seen)
        self.records = [_record(n, one) for n, one in enumerate(self.seen)]
        self.names = defaultdict[str, set[tuple[str, ...]]](set)
        blocks = defaultdict[str, set[int]](set)
        self.keys = defaultdict[str, set[int]](set)
        for record in self.records:
            for point in record.points:
                self.names[point] |= record.names
                blocks[point].add(record.id)
            for key in record.keys:
                self.keys[key].add(record.id)
        self.blocks = [*blocks.values(), *self.keys.values()]

    def pairs(self) -> list[tuple[Record[int], Record[int]]]:
        """Who is compared with whom."""
        found = {
            pair for block in self.blocks if len(block) <= BLOCK for pair in combinations(sorted(block), 2)
        }
        return [(self.records[a], self.records[b]) for a, b in sorted(found)]

    def is_shared(self, point: str) -> bool:
        """Whether several people use it, by the names that were seen with it."""
        return is_shared(self.names[point])

    def same(self, a: Record[int], b: Record[int]) -> bool:
        """The truth."""
        return self.seen[a.id].who == self.seen[b.id].who

    def look(self, a: Record[int], b: Record[int]) -> Verdict:
        """The verdict, everything being known."""
        return look(a, b, lambda point: frozenset(self.names[point]), lambda key: len(self.keys[key]))


def _record(number: int, one: Seen) -> Record[int]:
    words = words_of(one.name)
    key = key_of(words)
    return Record(number, frozenset({words} if words else ()), one.points, frozenset({key} if key else ()))


def main(path: str | None = None, seed: int = 7) -> int:
    """Print how automatic links and suggestions do; 1 when a link was wrong."""
    town = Town(seed)
    told = [(town.look(a, b), town.same(a, b)) for a, b in town.pairs()]
    linked = [same for verdict, same in told if verdict.what == "one"]
    offered = [same for verdict, same in told if verdict.what == "maybe"]
    shared = sum(is_shared(names) for names in town.names.values())
    figures = {
        "customers": len(town.seen),
        "shared points": shared,
        "pairs": len(told),
        "links": len(linked),
        "links that are right": sum(linked) / (len(linked) or 1),
        "suggestions": len(offered),
        "suggestions that are right": sum(offered) / (len(offered) or 1),
        "pairs of one person": sum(same for _, same in told),
    }
    for name, value in figures.items():
        print(f"{name:>28}  {value:,.4g}" if "right" in name else f"{name:>28}  {value:,}")
    if path:
        Path(path).write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if figures["links that are right"] == 1 else 1


def relearn(seeds: range = range(100, 104)) -> None:
    """Print m and u of names, telephones and mailboxes: counted in other towns than the one that is measured.

    Counted and not learnt by expectation: pairs that a shared telephone brought together are so unlike the others that
    expectation takes them, and not those of one person, for what it looks for.
    """
    counts: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [5.0, 5.0]))
    sums = [0, 0]
    for town in map(Town, seeds):
        for a, b in town.pairs():
            other = 1 - town.same(a, b)
            sums[other] += 1
            for what, level in levels(a, b, town.is_shared).items():
                counts[what][level][other] += 1
    print(f"prior = {sums[0] / sum(sums):.4f}")
    for what, found in sorted(counts.items()):
        totals = [sum(n[side] for n in found.values()) for side in (0, 1)]
        shares = {
            level: tuple(float(f"{n / t:.3g}") for n, t in zip(two, totals, strict=True))
            for level, two in found.items()
        }
        print(f'"{what}": {shares}')
