"""`make bench`: every contender in every case, against one local Klaviyo at its real limits; and the page about it.

What each contender does is in `contenders`, how one is measured in `attempt`, what the page says in `report`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks import environments
from benchmarks.attempt import attempt, environment_in, program
from benchmarks.cases import Case
from benchmarks.ceiling import measure_ceiling
from benchmarks.contenders import CONTENDERS, DAGSTER_RUN, Contender
from benchmarks.contenders.dagster_run import BARE, IDLE
from benchmarks.extrapolation import extrapolate
from benchmarks.measure import Figures, measure
from benchmarks.picture import render_picture
from benchmarks.report import PICTURE, render_page
from benchmarks.results import Measured, NotMeasured, Outcome, Results, Round

COUNTS = (10_000, 100_000, 1_000_000)
Outcomes = Mapping[Case, Outcome]


@click.command()
@click.option("--count", "counts", type=click.IntRange(20), multiple=True, help="Customers; can be given again.")
@click.option("--only", type=click.Choice([each.name for each in CONTENDERS]), multiple=True, help="These contenders.")
@click.option("--no-limits", is_flag=True, help="Without Klaviyo's limits and waits: what each can do.")
@click.option("--peer-python", help="An interpreter for peers that need a newer one than this.")
@click.option(
    "--docs",
    type=click.Path(path_type=Path, file_okay=False),
    default=environments.ROOT / "docs",
    help="The folder of the page and its picture.",
)
def main(counts: tuple[int, ...], only: tuple[str, ...], no_limits: bool, peer_python: str | None, docs: Path) -> None:
    """Measure, and write the page."""
    bench = Bench(
        contenders=[each for each in CONTENDERS if not only or each.name in only],
        limits="off" if no_limits else "real",
        peer_python=peer_python,
    )
    results = bench.run(sorted(set(counts)) or list(COUNTS))
    page = render_page(results)
    (docs / PICTURE).parent.mkdir(parents=True, exist_ok=True)
    (docs / PICTURE).write_text(render_picture(results.rounds[-1]), encoding="utf-8")
    (docs / "benchmarks.md").write_text(page, encoding="utf-8")
    print(page)
    # A peer's failure stands in the table.
    sys.exit(any(results.has_failed(each.name) for each in CONTENDERS if not each.peer))


@dataclass
class Bench:
    """One command's measurements.

    Attributes:
        contenders: who is measured.
        limits: real, or off.
        peer_python: an interpreter for peers that need a newer one.
        start_count: how often Dagster's own start is measured; the shortest counts.
    """

    contenders: list[Contender]
    limits: str = "real"
    peer_python: str | None = None
    start_count: int = 3
    _known: dict[tuple[str, int], Outcomes] = field(default_factory=dict)

    def run(self, counts: list[int]) -> Results:
        """Everything, the fewest customers first."""
        idle, bare = self._measure_start()
        rounds = tuple(Round(count, dict(self._round(count))) for count in counts)
        is_ours = any(each.name == DAGSTER_RUN.name for each in self.contenders)
        ceiling = measure_ceiling(counts[-1]) if is_ours else None
        return Results(idle=idle, bare=bare, is_limited=self.limits == "real", rounds=rounds, ceiling=ceiling)

    def _measure_start(self) -> tuple[Figures, Figures]:
        """A run of Dagster that does nothing, and the bare import."""
        command = program(DAGSTER_RUN, sys.executable)
        with tempfile.TemporaryDirectory() as folder:
            environment = environment_in(Path(folder))
            measure([*command, "prepare", IDLE], environment=environment)
            starts = [measure([*command, IDLE], environment=environment) for _ in range(self.start_count)]
            bare = measure([*command, BARE], environment=environment)
        return min(starts, key=lambda start: start.wall_s), bare

    def _round(self, count: int) -> Iterator[tuple[tuple[str, Case], Outcome]]:
        for contender in self.contenders:
            print(f"{contender.title}, {count} customers", file=sys.stderr, flush=True)
            for case, outcome in self.outcomes(contender, count).items():
                yield (contender.name, case), outcome

    def outcomes(self, contender: Contender, count: int) -> Outcomes:
        """The outcomes of a contender, extrapolated where it is not measured with so many."""
        sizes = contender.sizes
        if sizes is None or count <= sizes[1]:
            return self._measured(contender, count)
        fewer, more = (self._measured(contender, size) for size in sizes)
        return {case: self._extrapolated(fewer[case], outcome, sizes, count) for case, outcome in more.items()}

    def _extrapolated(self, fewer: Outcome, more: Outcome, sizes: tuple[int, int], count: int) -> Outcome:
        if isinstance(fewer, Measured) and isinstance(more, Measured):
            return extrapolate(fewer, more, sizes, count, is_limited=self.limits == "real")
        return more if isinstance(fewer, Measured) else fewer

    def _measured(self, contender: Contender, count: int) -> Outcomes:
        """What was measured once is not measured again."""
        key = contender.name, count
        if key not in self._known:
            self._known[key] = self._measure(contender, count)
        return self._known[key]

    def _measure(self, contender: Contender, count: int) -> Outcomes:
        try:
            python = self._python(contender)
        except environments.NotInstalled as missing:
            return {case: NotMeasured(str(missing)) for case in Case}
        return attempt(contender, python, count, limits=self.limits)

    def _python(self, contender: Contender) -> str:
        if not contender.peer:
            return sys.executable
        return environments.make(contender.peer, oldest=contender.oldest_python, python=self.peer_python)


if __name__ == "__main__":
    main()
