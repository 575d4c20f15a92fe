"""`make bench`: what is compared is measured in turns in one run, since ratios hold on a noisy machine where single
figures do not. `python -m tests.bench relay` measures one part; the parts are listed in PARTS, and those that take too
long to be measured unasked in LONG_PARTS.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import answers, encoder, history, profile, publishing, relay, search, sockets
from tests.bench.figures import Quantiles, quantiles
from tests.bench.relay import Contender


def table_of(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def relay_tables(folder: Path) -> list[Table]:
    figures = relay.measure(folder)
    bare = figures.contenders[0]
    flush = quantiles(figures.flushes_s)
    latency = table_of(f"{relay.PAIRS} pairs, one message every {relay.CALM_PERIOD_S * 1000:.0f} ms", "", "p50", "p99")
    latency.add_row("one flush to the disk", f"{flush.p50_ms:.2f} ms", f"{flush.p99_ms:.2f} ms")
    for contender in figures.contenders:
        p50_ms, p99_ms = quantiles([s for load in contender.calm for s in load.latencies_s])
        latency.add_row(contender.name, f"{p50_ms:.2f} ms", f"{p99_ms:.2f} ms")
    columns = ("", "p50", "p99", "messages/s", "of the bare echo", "processor a message")
    pressed = table_of(f"{relay.PAIRS} pairs, the next message as soon as the last has arrived", *columns)
    for contender in figures.contenders:
        p50_ms, p99_ms = quantiles([s for load in contender.pressed for s in load.latencies_s])
        per_second, share = _per_second(contender), _per_second(contender) / _per_second(bare)
        used_us = statistics.median(load.processor_s for load in contender.pressed) * 1e6
        pressed.add_row(
            *(contender.name, f"{p50_ms:.2f} ms", f"{p99_ms:.2f} ms"),
            *(f"{per_second:.0f}", f"{share:.0%}", f"{used_us:.0f} us"),
        )
    return [latency, pressed]


def _per_second(contender: Contender) -> float:
    return statistics.median(load.per_second for load in contender.pressed)


def profile_tables(folder: Path) -> list[Table]:
    loop_s, writer_s, shares = profile.measure(folder)
    table = table_of("What a relayed message costs beside its sockets", "", "processor", "of the event loop's")
    table.add_row("event loop", f"{loop_s * 1e6:.0f} us", "")
    for kind, share in shares.items():
        table.add_row(f"  {kind}", f"{share * loop_s * 1e6:.0f} us", f"{share:.0%}")
    table.add_row("writer's thread: check, append, flush", f"{writer_s * 1e6:.0f} us", "")
    return [table]


def sockets_tables(folder: Path) -> list[Table]:
    columns = ("", f"a socket of {sockets.FEW}", f"a socket of {sockets.MANY}", f"{sockets.MANY} back at once")
    table = table_of("Idle sockets, and the time until all have what they missed", *columns)
    for name, measure in (("bare flask-sock echo", sockets.measure_echo), ("the desk", sockets.measure_desk)):
        own_folder = folder / name
        own_folder.mkdir()
        few, many, storm_s = measure(own_folder)
        table.add_row(name, f"{few / 1000:.1f} kB", f"{many / 1000:.1f} kB", f"{storm_s:.1f} s")
    return [table]


def history_tables(folder: Path) -> list[Table]:
    columns = ("", f"p50 of {history.SHORT_EVENTS}", f"p50 of {history.LONG_EVENTS}", "ratio")
    table = table_of("The same live desk on a log of so many events", *columns)
    for name, short, long in history.measure(folder):
        ratio = long.p50_ms / short.p50_ms
        table.add_row(name, f"{short.p50_ms:.3f} ms", f"{long.p50_ms:.3f} ms", f"{ratio:.2f}")
    return [table]


def answers_tables(folder: Path) -> list[Table]:
    figures = answers.measure(folder)
    whole = figures.stages[-1][1].p50_ms
    stages = table_of(
        "A question, one at a time; each line holds those above", "", "p50", "p99", "adds", "share of p50"
    )
    before = 0.0
    for name, (p50_ms, p99_ms) in figures.stages:
        adds = p50_ms - before
        stages.add_row(name, f"{p50_ms:.1f} ms", f"{p99_ms:.1f} ms", f"{adds:.1f} ms", f"{adds / whole:.0%}")
        before = p50_ms
    title = f"{answers.RATE_PER_S} questions a second for {answers.SUSTAINED_S} s, {answers.VISITORS} visitors"
    sustained = table_of(title, "", "")
    p50_ms, p99_ms = figures.sustained
    sustained.add_row("answered", f"{figures.answered} of {figures.asked} in {figures.lasted_s:.1f} s")
    sustained.add_row("of these without Rasa", f"{figures.stood_in}")
    sustained.add_row("p50, p99", f"{p50_ms:.1f} ms, {p99_ms:.1f} ms")
    total_ms = sum(figures.processor_ms.values())
    for part, used_ms in figures.processor_ms.items():
        sustained.add_row(f"processor, {part}", f"{used_ms:.1f} ms a question ({used_ms / total_ms:.0%})")
    return [stages, sustained]


def search_tables(folder: Path) -> list[Table]:
    return [_search_table(search.measure(folder, search.SIZES))]


def million_tables(folder: Path) -> list[Table]:
    return [_search_table(search.measure(folder, [search.MILLION]))]


def _search_table(measured: Sequence[search.SearchFigures]) -> Table:
    columns = ("", *(f"{figures.passages:,} passages" for figures in measured))
    table = table_of("Search, the vectors of the question given; p50 and p99", *columns)
    timed = {
        "bare FAISS, exact scan": [figures.exact for figures in measured],
        "bare FAISS, Baton's index": [figures.bare for figures in measured],
        "articles by meaning": [figures.by_meaning for figures in measured],
        "the whole search": [figures.whole for figures in measured],
    }
    for name, row in timed.items():
        table.add_row(name, *(f"{p50_ms:.2f} ms, {p99_ms:.2f} ms" for p50_ms, p99_ms in row))
    table.add_row("vectors", *(f"{figures.vectors:,}" for figures in measured))
    table.add_row(f"recall of {search.NEAREST} vectors", *(f"{figures.recall_vectors:.4f}" for figures in measured))
    table.add_row(f"recall of {search.ARTICLES} articles", *(f"{figures.recall_articles:.4f}" for figures in measured))
    table.add_row("memory a passage", *(f"{figures.bytes_a_passage / 1000:.1f} kB" for figures in measured))
    table.add_row("made ready in", *(f"{figures.build_s:.1f} s" for figures in measured))
    table.add_row("graph built in", *(f"{figures.link_s:.1f} s" for figures in measured))
    return table


def publishing_tables(folder: Path) -> list[Table]:
    figures = publishing.measure(folder)
    table = table_of(f"A knowledge base of {figures.passages:,} passages", "", "")
    table.add_row("texts encoded at two starts", f"{figures.encoded}")
    table.add_row("answers after a start without the index file", f"{figures.answers_after_s:.1f} s")
    table.add_row("  searches along the graph, and leaves the file, after", f"{figures.graph_after_s:.1f} s")
    table.add_row("answers, along the graph, after a start with it", f"{figures.again_after_s:.1f} s")
    table.add_row("memory of the started index", f"{figures.started_bytes / 1e6:.0f} MB")
    published = (
        ("a new article: publish to answer, p50, p99", figures.publish),
        ("  of which encoding", figures.encode),
        ("an edit: publish to answer", figures.edit),
    )
    for name, (p50_ms, p99_ms) in published:
        table.add_row(name, f"{p50_ms:.0f} ms, {p99_ms:.0f} ms")
    table.add_row("not found at once", f"{figures.missed} of {2 * publishing.PUBLISHED}")
    return [table]


def encoder_tables(folder: Path) -> list[Table]:
    figures = encoder.measure_encoders()
    ways = table_of("The packaged embedding model, each way", "", *(figure.model for figure in figures))
    ways.add_row("one question, p50", *(f"{figure.question.p50_ms:.1f} ms" for figure in figures))
    ways.add_row("one question, p99", *(f"{figure.question.p99_ms:.1f} ms" for figure in figures))
    ways.add_row("one question, processor", *(f"{figure.question_processor_ms:.1f} ms" for figure in figures))
    ways.add_row(f"{encoder.BATCH} at once", *(f"{figure.batch_per_s:.0f}/s" for figure in figures))
    ways.add_row("of these each, processor", *(f"{figure.batch_processor_ms:.1f} ms" for figure in figures))
    ways.add_row("a process of its own, until the first vector", *(f"{figure.opened_s:.1f} s" for figure in figures))
    ways.add_row("memory that it holds then", *(f"{figure.memory_mb:.0f} MB" for figure in figures))
    found = encoder.measure_ask(folder)
    table = table_of("A question to its verdict in process, beside the bare encoder", "", "p50", "p99", "processor")
    table.add_row("bare encoder", *_row(found.encoder), f"{found.encoder_processor_ms:.1f} ms")
    table.add_row("question to verdict", *_row(found.ask), f"{found.ask_processor_ms:.1f} ms")
    table.add_row("the same question again", *_row(found.repeated), "")
    table.add_row("ratio to the bare encoder", f"{found.ratio:.2f}", "", f"{found.processor_ratio:.2f}")
    return [ways, table]


def _row(figures: Quantiles) -> tuple[str, str]:
    return f"{figures.p50_ms:.1f} ms", f"{figures.p99_ms:.1f} ms"


PARTS: dict[str, Callable[[Path], list[Table]]] = {
    "relay": relay_tables,
    "profile": profile_tables,
    "sockets": sockets_tables,
    "history": history_tables,
    "answers": answers_tables,
    "search": search_tables,
    "publishing": publishing_tables,
    "encoder": encoder_tables,
}
LONG_PARTS: dict[str, Callable[[Path], list[Table]]] = {"million": million_tables}


def main() -> None:
    console = Console(width=110)
    for name in sys.argv[1:] or PARTS:
        console.print(f"{name} ...")
        with tempfile.TemporaryDirectory() as folder:
            for table in {**PARTS, **LONG_PARTS}[name](Path(folder)):
                console.print(table)


if __name__ == "__main__":
    main()
