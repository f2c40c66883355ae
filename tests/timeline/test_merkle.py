"""The tiled tree against RFC 6962's own recursive definitions."""

import random
from hashlib import sha256

import pytest

from wasl.timeline import merkle

LEAVES = [sha256(b"\x00" + n.to_bytes(4, "big")).digest() for n in range(70_000)]


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word (over leaf hashes)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def largest_power_below(n: int) -> int:
    """k: the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tiles(size: int, step: int | None = None) -> merkle.Tiles:
    """A tree of the first `size` leaves, grown in steps."""
    grown: merkle.Tiles = {}
    at = 0
    while at < size:
        add = LEAVES[at : min(size, at + (step or size))]
        grown.update(merkle.grow(at, {key: grown[key] for key in merkle.edge(at)}, add))
        at += len(add)
    return grown


class Reader:
    """Reads tiles as a proof does, and counts."""

    def __init__(self, tiles: merkle.Tiles) -> None:
        self.tiles, self.reads = tiles, 0

    def __call__(self, level: int, number: int) -> bytes:
        self.reads += 1
        return self.tiles[level, number]


WHOLE = tiles(len(LEAVES), 777)


def test_the_known_answers_of_certificate_transparency() -> None:
    """The eight leaves of the reference implementation's own test, and their roots."""
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [sha256(b"\x00" + bytes.fromhex(text)).digest() for text in data]
    grown = merkle.grow(0, {}, leaves)
    roots = [merkle.root(size, lambda level, number: grown[level, number]).hex() for size in range(9)]
    assert roots[0] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert roots[1] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[2] == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert roots[8] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_every_size_up_to_600_has_the_root_of_the_definition() -> None:
    frontier = merkle.Frontier()
    for size in range(601):
        expected = mth(LEAVES[:size])
        assert merkle.root(size, Reader(WHOLE)) == expected == frontier.root()
        frontier.push(LEAVES[size])


@pytest.mark.parametrize("step", [1, 3, 255, 256, 257, 1000])
def test_growing_in_any_steps_gives_the_same_tiles(step: int) -> None:
    assert tiles(1500, step) == tiles(1500)


def test_growing_over_two_levels_gives_the_same_tiles() -> None:
    assert tiles(len(LEAVES)) == WHOLE
    assert (2, 0) in WHOLE
    assert len(WHOLE[2, 0]) == 32


@pytest.mark.parametrize("size", [*range(1, 40), 255, 256, 257, 511, 512, 513, 600])
def test_inclusion_is_the_path_of_the_definition_and_is_verified(size: int) -> None:
    root, leaves = mth(LEAVES[:size]), LEAVES[:size]
    for index in {*range(min(size, 12)), size // 2, size - 1, *range(max(0, size - 5), size)}:
        proof = merkle.inclusion(index, size, Reader(WHOLE))
        assert proof == path(index, leaves)
        assert merkle.verify_inclusion(leaves[index], index, size, proof, root)


@pytest.mark.parametrize("new", [*range(1, 40), 255, 256, 257, 511, 512, 513, 600])
def test_consistency_is_the_proof_of_the_definition_and_is_verified(new: int) -> None:
    new_root, leaves = mth(LEAVES[:new]), LEAVES[:new]
    for old in {*range(min(new, 12)), new // 2, new - 1, new, 256 if new > 256 else 0}:
        proof = merkle.consistency(old, new, Reader(WHOLE))
        assert proof == (subproof(old, leaves, True) if old else [])
        assert merkle.verify_consistency(old, new, mth(LEAVES[:old]), new_root, proof)


def test_every_size_up_to_600_and_random_big_ones_prove_random_places() -> None:
    chance = random.Random(6962)
    sizes = [chance.randrange(1, 600) for _ in range(600)] + [
        chance.randrange(600, 70_000) for _ in range(60)
    ]
    for size in sizes:
        root = merkle.root(size, Reader(WHOLE))
        index, old = chance.randrange(size), chance.randrange(size + 1)
        reader = Reader(WHOLE)
        proof = merkle.inclusion(index, size, reader)
        assert reader.reads <= 12
        assert merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
        steps = merkle.consistency(old, size, Reader(WHOLE))
        if size <= 600:
            assert proof == path(index, LEAVES[:size])
            assert steps == (subproof(old, LEAVES[:size], True) if old else [])
        assert merkle.verify_consistency(old, size, merkle.root(old, Reader(WHOLE)), root, steps)


def test_what_is_wrong_is_not_verified() -> None:
    """Every proof of small trees, with anything about it changed."""
    chance = random.Random(1)
    other = sha256(b"other").digest()
    for size in [1, 2, 3, 7, 8, 9, 31, 32, 33, 300]:
        root = mth(LEAVES[:size])
        index = chance.randrange(size)
        good = merkle.inclusion(index, size, Reader(WHOLE))
        bad = [
            good[:-1],
            [*good, other],
            [other, *good],
            *([other if i == j else h for i, h in enumerate(good)] for j in range(len(good))),
        ]
        for proof in bad:
            if proof != good:
                assert not merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
        assert not merkle.verify_inclusion(other, index, size, good, root)
        assert not merkle.verify_inclusion(LEAVES[index], index, size, good, other)
        for index_, size_ in [(index + 1, size), (index, size * 2 + 1), (-1, size), (size, size)]:
            assert not merkle.verify_inclusion(LEAVES[index], index_, size_, good, root)
        for old in range(1, size):
            steps = merkle.consistency(old, size, Reader(WHOLE))
            old_root = mth(LEAVES[:old])
            for proof in [steps[:-1], [*steps, other], [other, *steps[1:]], []]:
                assert not merkle.verify_consistency(old, size, old_root, root, proof)
            assert not merkle.verify_consistency(old, size, other, root, steps)
            assert not merkle.verify_consistency(old, size, old_root, other, steps)
    assert not merkle.verify_consistency(3, 2, other, other, [])
    assert not merkle.verify_consistency(0, 2, other, other, [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 3)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion(index, size, Reader(WHOLE))
    with pytest.raises(ValueError, match="cannot extend"):
        merkle.consistency(size + 1, size, Reader(WHOLE))
