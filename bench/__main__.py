"""`python -m bench`: measures, prints a table and the bars, and keeps the figures as JSON."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import growth, local_time, pages, report
from bench import large as large_growth
from bench.fairness import fairness
from bench.figures import bars, figures
from bench.generators import Run
from bench.loads import SCENARIOS
from bench.run import Plan, plan, run_all, steps
from bench.stage import BenchError, stage, under_uvicorn
from contactory.base.settings import Settings, processes
from contactory.embedded.server import EmbeddedError

_NAMES = [name for name in SCENARIOS if name != "live"]


@click.command()
@click.option("--quick", is_flag=True, help="Only what has a target, with less data: about three minutes.")
@click.option(
    "--growth", "grow", is_flag=True, help="How PATCH and GET hold up as data and history grow: half an hour."
)
@click.option(
    "--large", is_flag=True, help="With --growth: ten million contacts and a hundred million events."
)
@click.option(
    "--local-time", "clocks", is_flag=True, help="Verdicts, who may be contacted now, and the plan."
)
@click.option(
    "--pages", "browse", is_flag=True, help="The dashboard's pages, at the server and in a browser."
)
@click.option(
    "--only", type=click.Choice(_NAMES), multiple=True, help="Only this operation; may be given again."
)
@click.option("--contacts", type=click.IntRange(1000, 10_000_000), help="How many contacts there are.")
@click.option("--rounds", type=click.IntRange(1), help="How often the turns are repeated.")
@click.option("--seconds", type=click.IntRange(1), help="How long one run takes.")
@click.option(
    "--workers", type=click.IntRange(0, 64), default=0, help="How many server processes; 0 as by default."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the figures go, as JSON.")
def main(
    quick: bool,
    grow: bool,
    large: bool,
    clocks: bool,
    browse: bool,
    only: tuple[str, ...],
    contacts: int | None,
    rounds: int | None,
    seconds: int | None,
    workers: int,
    out: Path | None,
) -> None:
    """Measure Contactory, in turns with the best that PostgreSQL itself does for the same job."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    workers = workers or processes(Settings())
    if not browse and not shutil.which("wrk"):
        raise click.ClickException(
            "There is no wrk here, which sends the requests: install it (apt install wrk)."
        )
    try:
        if clocks:
            sizes = [contacts] if contacts else local_time.SIZES
            path = out or Path(__file__).parent / "results" / "local-time-latest.json"
            sys.exit(not local_time.measure(sizes, rounds or 3, seconds or 3, workers, console, path))
        if browse:
            path = out or Path(__file__).parent / "results" / "pages-latest.json"
            sys.exit(not pages.measure(contacts or pages.CONTACTS, rounds or 8, workers, console, path))
        if grow and large:
            found = large_growth.measure(
                contacts or large_growth.CONTACTS, rounds or 4, seconds or 10, workers, console
            )
        elif grow:
            found = growth.measure(contacts or 1_000_000, rounds or 4, seconds or 10, workers, console)
        else:
            contacts = contacts or (50_000 if quick else 200_000)
            wanted = plan(rounds or 3, seconds or (1 if quick else 3), quick, only)
            found = _measure(wanted, contacts, workers, console)
    except (BenchError, EmbeddedError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("Stopped.")
        sys.exit(130)
    report.show(found, Console(width=None if sys.stdout.isatty() else 150))
    path = out or Path(__file__).parent / "results" / f"{_kept(grow, large)}latest.json"
    report.save(found, path)
    console.print(f"The figures are in {path}")
    sys.exit(not all(bar.cleared for bar in found.bars))


def _kept(grow: bool, large: bool) -> str:
    """The beginning of the name of the file for the figures."""
    return ("large-" if large else "growth-") if grow else ""


def _measure(wanted: Plan, contacts: int, workers: int, console: Console) -> report.Result:
    with stage(contacts, workers, console.print) as built, under_uvicorn(built, workers):
        here = report.machine(built)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console,
        ) as progress:  # fmt: skip
            runs = run_all(built, wanted, _teller(progress, len(steps(wanted))))
        fair = fairness(built, wanted.rounds, wanted.seconds) if wanted.fair else []
        shown = {"figures": figures(runs), "bars": [*bars(runs), *fair], "runs": runs}
        return report.result("bench", built, here, wanted.seconds, workers, **shown)


def _teller(progress: Progress, total: int) -> Callable[[Run], None]:
    task = progress.add_task("warming up", total=total)

    def tell(run: Run) -> None:
        side = {"limit": ", limit", "bare": ", bare", "uvicorn": " under uvicorn"}.get(run.side, "")
        what = f"{SCENARIOS[run.scenario].title}, {run.clients} clients{side}"
        progress.update(task, advance=1, description=f"{what}: {run.rate:,.0f}/s")
        if not progress.console.is_terminal:
            progress.console.print(f"{what}: {run.rate:,.0f}/s, p99 {run.p99:.2f} ms")

    return tell


if __name__ == "__main__":
    main(prog_name="python -m bench")
