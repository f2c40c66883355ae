"""How much memory a process really costs: its proportional set size (pages shared by n processes count 1/n)."""

from pathlib import Path


def pss(pid: int) -> int | None:
    """Bytes; None when the process is gone or belongs to someone else."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None


def descendants(pid: int) -> list[int]:
    """Every child of a process, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def by_process(named: dict[str, int], servers: list[int]) -> dict[str, int]:
    """Bytes by name: each named process with its unnamed descendants, and all of PostgreSQL's as one."""
    taken = {*named.values(), *servers}
    groups = {name: [pid, *(d for d in descendants(pid) if d not in taken)] for name, pid in named.items()}
    sizes = {name: sum(pss(pid) or 0 for pid in pids) for name, pids in groups.items()}
    if servers:
        sizes["postgres"] = sum(pss(pid) or 0 for pid in servers)
    return sizes


def report(sizes: dict[str, int]) -> str:
    """One line for people, the largest first."""
    parts = sorted(sizes.items(), key=lambda item: -item[1])
    each = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in parts)
    return f"{sum(sizes.values()) / 1e6:.0f} MB in all ({each})"
