"""`make faults`: run the suite, print what happened, fail when anything was lost, doubled, reordered or wrong."""

from gevent import monkey

monkey.patch_all()  # before anything else: clients, proxy and chaos are greenlets of this one process

import secrets  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import click  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from tests.faults.run import Mode, Plan, Result, run  # noqa: E402

# The long form: more than 100,000 messages and 200 kills together.
LONG: dict[Mode, tuple[int, int]] = {"sqlite": (60_000, 120), "servers": (42_000, 90)}

LINES: list[tuple[str, Callable[[Result], object]]] = [
    ("messages acknowledged", lambda r: r.counts.messages),
    ("visitors", lambda r: r.visitors),
    ("  without WebSockets", lambda r: r.polling),
    ("conversations", lambda r: r.conversations),
    ("events in the log", lambda r: r.events),
    ("kills", lambda r: r.counts.kills.total()),
    *((f"  {kind}", lambda r, kind=kind: r.counts.kills[kind]) for kind in ("desk", "worker", "desk after an ack")),
    *(
        (f"  {kind}", lambda r, kind=kind: r.counts.kills[kind])
        for kind in ("desk while it starts", "postgres", "redis")
    ),
    ("clean restarts", lambda r: r.counts.troubles["clean_restart"]),
    ("full disks", lambda r: r.counts.troubles["full_disk"]),
    ("clock jumps", lambda r: r.counts.troubles["clock_jump"]),
    ("cuts", lambda r: r.counts.troubles["cut"]),
    ("half-closes", lambda r: r.counts.troubles["half_close"]),
    ("dropped directions", lambda r: r.counts.troubles["drop"]),
    ("delays", lambda r: r.counts.troubles["delay"]),
    ("connections made", lambda r: r.counts.connects),
    ("sent home by a restart", lambda r: r.counts.sent_home),
    ("resends", lambda r: r.counts.resends),
    ("refused: log not writable", lambda r: r.counts.refused_by_store),
    ("refused: floor had passed", lambda r: r.counts.refused_by_floor),
    ("leases lapsed", lambda r: r.lapses),
    ("lost", lambda r: r.verdict.lost),
    ("doubled", lambda r: r.verdict.doubled),
    ("reordered", lambda r: r.verdict.reordered),
    ("otherwise wrong", lambda r: r.verdict.wrong),
    ("seconds", lambda r: round(r.duration_s)),
]


@click.command()
@click.option("--mode", type=click.Choice(["sqlite", "servers", "both"]), default="both", show_default=True)
@click.option("--messages", type=click.IntRange(min=1), help="Per mode; the long form has 102,000 in both.")
@click.option("--kills", type=click.IntRange(min=0), help="Per mode; the long form has 210 in both.")
@click.option("--visitors", type=click.IntRange(min=1), default=120, show_default=True, help="At any one time.")
@click.option("--operators", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--trouble-every", type=float, default=10.0, show_default=True, help="Mean seconds, for each link.")
@click.option("--seed", help="Draws the same troubles again; the clock of the machine still has its say.")
def main(
    mode: str,
    messages: int | None,
    kills: int | None,
    visitors: int,
    operators: int,
    trouble_every: float,
    seed: str | None,
) -> None:
    """Show that no message is lost, doubled or reordered, whatever happens to servers and network."""
    seed = seed or secrets.token_hex(4)
    console = Console()
    results = []
    for one_mode in LONG:
        if mode not in (one_mode, "both"):
            continue
        plan = Plan(
            mode=one_mode,
            messages=messages or LONG[one_mode][0],
            kills=LONG[one_mode][1] if kills is None else kills,
            visitors=visitors,
            operators=operators,
            trouble_every_s=trouble_every,
            seed=seed,
        )
        console.print(f"{one_mode}: {plan.messages:,} messages, {plan.kills} kills, seed {seed} ...")
        with tempfile.TemporaryDirectory(prefix="baton-faults-") as folder:
            results.append(run(plan, Path(folder)))
    _print(console, results, seed)
    sys.exit(0 if all(result.verdict.is_clean for result in results) else 1)


def _print(console: Console, results: list[Result], seed: str) -> None:
    table = Table(title=f"Faults, seed {seed}")
    table.add_column("what")
    for result in results:
        table.add_column(result.plan.mode, justify="right")
    for name, value in LINES:
        table.add_row(name, *(f"{value(result):,}" for result in results))
    console.print(table)
    for result in results:
        for words in result.verdict.evidence:
            console.print(f"{result.plan.mode}: {words}", style="red", markup=False)


if __name__ == "__main__":
    main()
