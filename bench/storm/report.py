"""What a storm came to, as JSON and for people."""

import os
from dataclasses import dataclass
from typing import Any

from bench.storm.findings import Verdict
from bench.storm.killer import Blow
from bench.storm.watch import Recovery


@dataclass(frozen=True)
class Strike:
    """A blow, and how long it took until everything served again."""

    blow: Blow
    second: float
    recovery: Recovery

    @property
    def counted(self) -> tuple[str, ...]:
        """The services that are ours to bring back: a provider that was killed itself (the sandbox) is asked again
        only after a pause."""
        away = {"polling"} if "sandbox" in self.blow.targets else set()
        return tuple(name for name in self.recovery.services if name not in away)

    @property
    def longest(self) -> float:
        """Seconds until all of these served again."""
        return self.recovery.until(self.counted)

    @property
    def late(self) -> bool:
        """Whether that was later than the goal."""
        return self.longest > self.blow.goal


def result(
    about: dict[str, Any], strikes: list[Strike], verdict: Verdict, settled: float, bounds: dict[str, int]
) -> dict[str, Any]:
    """Everything, for JSON."""
    losing = [s.blow for s in strikes if s.blow.loses_calls]
    in_hand = {
        "attempts open just before such kills": sum(blow.open for blow in losing),
        "calls providers were answering then": sum(blow.under_way for blow in losing),
    }
    return about | {
        "load": os.getloadavg()[0],
        "seconds_until_settled": round(settled, 1),
        "figures": verdict.figures | in_hand | bounds,
        "recoveries": [
            {
                "second": round(s.second, 1),
                "killed": s.blow.targets,
                "open": s.blow.open,
                "goal": s.blow.goal,
                "longest": round(s.longest, 2),
                **{name: round(s.recovery.took.get(name, -1.0), 2) for name in s.recovery.services},
            }
            for s in strikes
        ],
        "faults": verdict.faults,
    }


def print_strike(strike: Strike) -> None:
    """A line as soon as everything serves again."""
    took = "  ".join(
        f"{name} {strike.recovery.took.get(name, float('inf')):5.2f}" for name in strike.recovery.services
    )
    print(
        f"{strike.second:6.1f} s  {' + '.join(strike.blow.targets):24}  {took}{'  LATE' if strike.late else ''}",
        flush=True,
    )


def print_result(result: dict[str, Any]) -> None:
    """Tables for people."""
    print(f"\nseconds until it served again, by what was killed (load {result['load']:.1f})")
    by_target: dict[str, list[float]] = {}
    for row in result["recoveries"]:
        by_target.setdefault(" + ".join(row["killed"]), []).append(row["longest"])
    for target, took in sorted(by_target.items(), key=lambda item: -max(item[1])):
        took.sort()
        print(f"  {target:32} {len(took):3} ×   median {took[len(took) // 2]:5.2f}   longest {took[-1]:5.2f}")
    print()
    for name, count in result["figures"].items():
        print(f"  {name:44} {count:>8,}")
    print(f"  {'seconds until all was settled':44} {result['seconds_until_settled']:>8}")
    print("  faults of providers: " + ", ".join(f"{n} {c}" for n, c in result["faults of providers"].items()))
    print(
        "\n"
        + (
            "\n".join(f"FAULT  {fault}" for fault in result["faults"])
            or "nothing lost, nothing doubled unasked"
        )
    )
