"""The measurements of every benchmark and their display: figures, their spread, and the goals beside them."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    limit: float
    at_least: bool = True
    """False: at most."""

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def at_least(limit: float) -> Goal:
    return Goal(limit)


def at_most(limit: float) -> Goal:
    return Goal(limit, at_least=False)


@dataclass(frozen=True)
class Figure:
    """The median of some rounds; `spread` is its lower and upper quartile."""

    name: str
    value: float | None
    """None: not measured here, for the reason that `note` gives."""
    unit: str = ""
    goal: Goal | None = None
    spread: tuple[float, float] | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.goal is None or self.value is None else self.goal.met_by(self.value)


def measured(
    name: str, rounds: Sequence[float], unit: str = "", goal: Goal | None = None, note: str = ""
) -> Figure:
    spread = None
    if len(rounds) > 1:
        lower, _, upper = statistics.quantiles(rounds, n=4, method="inclusive")
        spread = lower, upper
    return Figure(name, statistics.median(rounds), unit, goal, spread, note)


def compared(
    name: str, over: Sequence[float], under: Sequence[float], goal: Goal | None = None, note: str = ""
) -> Figure:
    """The median of what each round of `over` is to the same round of `under`: both ran within moments, so
    whatever else the machine did weighed on both."""
    return measured(name, [a / b for a, b in zip(over, under, strict=True)], "x", goal, note)


def alternate(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The results of each contender, round by round; one more round goes before, to warm them up."""
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            result = contender()
            if number:
                results[name].append(result)
    return results


def machine() -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def print_table(name: str, figures: Iterable[Figure]) -> None:
    where = machine()
    table = Table(
        title=f"{name} on {where['cores']} x {where['processor']}, Python {where['python']}, "
        f"load {where['load']}",
        title_justify="left",
    )
    table.add_column("what", overflow="fold")
    for title in ("median", "quartiles", "goal", ""):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for figure in figures:
        spread = " - ".join(map(_number, figure.spread)) if figure.spread else ""
        median = "" if figure.value is None else f"{_number(figure.value)} {figure.unit}".rstrip()
        goal = f"{'>=' if figure.goal.at_least else '<='} {_number(figure.goal.limit)}" if figure.goal else ""
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
        table.add_row(figure.name, median, spread, goal, verdict, escape(figure.note))
    # A file or a pipe has no width: nothing is to be folded there.
    console = Console()
    if not console.is_terminal:
        console = Console(width=170)
    console.print(table)


def print_json(name: str, figures: Iterable[Figure]) -> None:
    shown = [dataclasses.asdict(figure) | {"met": figure.met} for figure in figures]
    print(json.dumps({"benchmark": name, "machine": machine(), "figures": shown}, indent=2))


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
