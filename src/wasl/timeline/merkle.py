"""The Merkle tree of RFC 6962, kept in tiles. Pure functions over bytes; nothing here knows a database.

The tree's leaves are given as leaf hashes (already SHA-256(0x00 ‖ …)). A tile holds up to 256 neighbouring hashes of
one level, 32 bytes each: level 0 the leaves, level n the roots of the full tiles of level n - 1, so that hash number
i of level n stands for the 256ⁿ leaves from i · 256ⁿ on. Whatever a proof needs is found in a handful of tiles.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256

WIDTH = 256
SIZE = 32
EMPTY = sha256(b"").digest()

Read = Callable[[int, int], bytes]
"""Gives the content of the tile (level, number): its hashes joined, possibly with later ones behind."""

Tiles = dict[tuple[int, int], bytes]


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring hashes."""
    row = hashes
    while len(row) > 1:
        row = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[i : i + SIZE] for i in range(0, len(tile), SIZE)]


# Growing -----------------------------------------------------------------------------------------------------------


def edge(size: int) -> list[tuple[int, int]]:
    """The tiles (level, number) that are only partly filled when the tree has `size` leaves."""
    partial, level = [], 0
    while size:
        if size % WIDTH:
            partial.append((level, size // WIDTH))
        size, level = size // WIDTH, level + 1
    return partial


def grow(size: int, partial: Mapping[tuple[int, int], bytes], leaves: Sequence[bytes]) -> Tiles:
    """The new content of every tile that changes when `leaves` are appended to a tree of `size` leaves.

    `partial` holds the tiles that `edge(size)` names, without anything behind their last hash.
    """
    changed: Tiles = {}
    level, hashes = 0, list(leaves)
    while hashes:
        number, filled = divmod(size, WIDTH)
        row = split(partial[level, number]) + hashes if filled else hashes
        full = []
        for start in range(0, len(row), WIDTH):
            tile = row[start : start + WIDTH]
            changed[level, number + start // WIDTH] = b"".join(tile)
            if len(tile) == WIDTH:
                full.append(fold(tile))
        level, size, hashes = level + 1, number, full
    return changed


# Proving -----------------------------------------------------------------------------------------------------------


def _complete(begin: int, height: int, read: Read) -> bytes:
    """The root over the 2**height leaves from `begin`, which is a multiple of that."""
    level, rest = divmod(height, 8)
    first = begin >> (8 * level)
    number, offset = divmod(first, WIDTH)
    tile = read(level, number)
    return fold(split(tile[offset * SIZE : (offset + (1 << rest)) * SIZE]))


def _range(begin: int, end: int, read: Read) -> bytes:
    """The hash MTH(D[begin:end]); `begin` is where a recursion of RFC 6962 can begin."""
    right: list[bytes] = []
    for start, height in _parts(begin, end):
        right.append(_complete(start, height, read))
    root = right.pop()
    while right:
        root = node(right.pop(), root)
    return root


def _parts(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees (first leaf, height) that make up D[begin:end], from left to right."""
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield begin, height
        begin += 1 << height


def root(size: int, read: Read) -> bytes:
    """The root hash of the first `size` leaves."""
    return _range(0, size, read) if size else EMPTY


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962, 2.1.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    read, path, begin, end = cache(read), [], 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            path.append(_range(middle, end, read))
            end = middle
        else:
            path.append(_range(begin, middle, read))
            begin = middle
    return path[::-1]


def consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962, 2.1.2).

    Raises ValueError unless 0 <= old <= new. Empty for 0 and for equal sizes.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot extend one of {old}")
    if old in (0, new):
        return []
    read, path, begin, end, whole = cache(read), [], 0, new, True
    while old != end:
        middle = begin + _half(end - begin)
        if old <= middle:
            path.append(_range(middle, end, read))
            end = middle
        else:
            path.append(_range(begin, middle, read))
            begin, whole = middle, False
    if not whole:
        path.append(_range(begin, end, read))
    return path[::-1]


def _half(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


# Checking ----------------------------------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `leaf` is number `index` under `root` of `size` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if number % 2 or number == last:
            found = node(sibling, found)
            while number % 2 == 0 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that `new_root` extends `old_root` (RFC 9162, 2.1.4.2); anything extends nothing."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not path and old_root == EMPTY
    if old == new:
        return not path and old_root == new_root
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    number, last = old - 1, new - 1
    while number % 2:
        number, last = number >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number % 2 or number == last:
            older, newer = node(step, older), node(step, newer)
            while number % 2 == 0 and number:
                number, last = number >> 1, last >> 1
        else:
            newer = node(newer, step)
        number, last = number >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


class Frontier:
    """Roots of a growing list of leaves without keeping it: for someone who reads a log from beginning to end."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """One more leaf."""
        size, found = self.size, leaf
        while size % 2:
            found = node(self._complete.pop(), found)
            size >>= 1
        self._complete.append(found)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything pushed so far."""
        if not self._complete:
            return EMPTY
        found = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            found = node(left, found)
        return found
