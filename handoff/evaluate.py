"""`baton evaluate`: measure Baton on labelled data, rung 6 of the ladder.

The measuring is done by the parts themselves; here are the commands and the tables.
"""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handoff.errors import BatonError
from handoff.settings import read_settings

if TYPE_CHECKING:
    from handoff.rehearsal.play import Played
    from knowledge_base.evaluation.report import Evaluation


class _Share(click.FloatRange):
    """A number from 0 to 1. (To click "nan" lies in every range.)"""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        share: float = super().convert(value, param, ctx)
        if math.isnan(share):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return share


console = Console(highlight=False)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TARGET = "Where coverage on the curve is measured; the verdicts aim at BATON_TARGET_ERROR."
_OUTPUT = click.Path(dir_okay=False, path_type=Path)

# Of a figure in the report: what it is called in the table, and whether baselines have it too.
_ROWS = {
    "recall_at_1": "right article first",
    "recall_at_3": "right article in first three",
    "mrr": "mean reciprocal rank",
    "auroc": "AUROC of answered rightly",
    "coverage_at_target": "coverage at the target error",
    "answered": "answered at the threshold",
    "answered_wrong": "  of these wrong",
}
_OWN_ROWS = {
    "clarified": "clarified",
    "clarified_right": "  of these offering the right one",
    "calibration_error": "expected calibration error",
}


@click.group()
def evaluate() -> None:
    """Measure Baton on labelled data."""


@evaluate.command("search")
@click.option("--articles", type=_FILE, required=True, help="JSON lines of slug, title, body, phrasings.")
@click.option(
    "--questions", type=_FILE, required=True, help="JSON lines of question, slugs, kind; no slugs: no answer."
)
@click.option("--target-error", type=_Share(0, 1), default=0.05, show_default=True, help=_TARGET)
@click.option("--language", default=None, help="The articles' language; else it is detected.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--plot", type=_OUTPUT, default=None, help="Write reliability and risk-coverage as SVG.")
def evaluate_search(
    articles: Path, questions: Path, target_error: float, language: str | None, is_json: bool, plot: Path | None
) -> None:
    """Index ARTICLES in memory, ask QUESTIONS, and compare with BM25 and plain cosine."""
    from knowledge_base.embedders import open_embedder
    from knowledge_base.errors import KnowledgeBaseError
    from knowledge_base.evaluation import report

    settings = read_settings()
    try:
        found = report.evaluate_search(
            articles,
            questions,
            target_error=target_error,
            promised_error=settings.target_error,
            language=language,
            embedder=open_embedder(settings.embedding_model),
        )
    except KnowledgeBaseError as exc:
        raise BatonError(exc.message) from exc
    _show(found, is_json=is_json, plot=plot)


@evaluate.command("answers")
@click.option(
    "--questions", type=_FILE, required=True, help="JSON lines of question, slugs, kind; no slugs: no answer."
)
@click.option("--target-error", type=_Share(0, 1), default=0.05, show_default=True, help=_TARGET)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--plot", type=_OUTPUT, default=None, help="Write reliability and risk-coverage as SVG.")
def evaluate_answers(questions: Path, target_error: float, is_json: bool, plot: Path | None) -> None:
    """Ask QUESTIONS of the installed knowledge base; an imported article's permalink counts as its slug."""
    from knowledge_base.embedders import open_embedder
    from knowledge_base.errors import KnowledgeBaseError
    from knowledge_base.evaluation import report
    from knowledge_base.library import KnowledgeBase

    settings = read_settings()
    if not settings.kb_database.exists():
        raise BatonError(f"There is no knowledge base at {settings.kb_database} yet: start Baton once, or import.")
    try:
        embedder = open_embedder(settings.embedding_model)
        base = KnowledgeBase(settings.kb_database, embedder, target_error=settings.target_error)
        try:
            found = report.evaluate_answers(base, questions, target_error=target_error)
        finally:
            base.close()
    except KnowledgeBaseError as exc:
        raise BatonError(exc.message) from exc
    _show(found, is_json=is_json, plot=plot)


@evaluate.command("understanding")
@click.option("--train", type=_FILE, required=True, help="JSON lines of text, intent.")
@click.option("--test", type=_FILE, required=True, help="The same; intent null: out of scope.")
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    type=click.Choice(["diet", "embedding"]),
    help="Train and measure Rasa's default pipeline, or the sentence embedding alone, as well.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of a table.")
def evaluate_understanding(train: Path, test: Path, baselines: tuple[str, ...], is_json: bool) -> None:
    """Train the bot's pipeline on one file and measure it on the other.

    Rasa's default pipeline learns an hour for 15,000 examples on two cores.
    """
    from handoff import understanding

    found = understanding.evaluate_understanding(read_settings(), train, test, baselines)
    if is_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        console.print(_build_comparison("Understanding", found))


@evaluate.command("human-request")
@click.option("--questions", type=_FILE, required=True, help="JSON lines of text, asks_for_human.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of a table.")
def evaluate_human_request(questions: Path, is_json: bool) -> None:
    """Measure how well the shipped bot notices that a person is wanted."""
    from handoff import understanding

    found = understanding.evaluate_human_request(read_settings(), questions, Console(stderr=True, highlight=False))
    if is_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    listed = {title: found.pop(title) for title in ("misses", "false_alarms")}
    console.print(_build_table("Asks for a person", found))
    for title, lines in listed.items():
        for line in lines:
            console.print(f"{title}: {line['text']} [{line['intent']}]", markup=False, soft_wrap=True)


@evaluate.command("conversations")
@click.option("--scripts", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of a table.")
def evaluate_conversations(scripts: Path | None, is_json: bool) -> None:
    """Play the conversation tests before the trained bot; exit code 1 if one goes another way.

    SCRIPTS is a folder of scripts with their help centre; without it bot/tests/conversations.
    """
    from handoff.rehearsal.stage import CONVERSATIONS, rehearse

    played = rehearse(scripts or CONVERSATIONS, Console(stderr=True, highlight=False))
    if is_json:
        click.echo(json.dumps(_describe_played(played), ensure_ascii=False))
    else:
        _print_played(played)
    sys.exit(1 if any(result.problem for result in played) else 0)


def _describe_played(played: "list[Played]") -> dict[str, Any]:
    conversations = [
        {"file": result.script.file, "name": result.script.name, "problem": result.problem} for result in played
    ]
    failed = sum(bool(result.problem) for result in played)
    return {"conversations": conversations, "passed": len(played) - failed, "failed": failed}


def _print_played(played: "list[Played]") -> None:
    table = Table("file", "passed", "failed", title="Conversation tests", title_justify="left")
    by_file = {result.script.file: [r for r in played if r.script.file == result.script.file] for result in played}
    for file, results in [*by_file.items(), ("all", played)]:
        failed = sum(bool(result.problem) for result in results)
        table.add_row(escape(file), str(len(results) - failed), str(failed))
    console.print(table)
    for result in played:
        if result.problem:
            head = f"failed: {result.script.file}: {result.script.name}"
            console.print(f"{head}\n  {result.problem}", soft_wrap=True, markup=False)


def _show(found: "Evaluation", *, is_json: bool, plot: Path | None) -> None:
    if plot:
        try:
            plot.write_text(found.draw(), encoding="utf-8")
        except OSError as exc:
            raise BatonError(f"The plot cannot be written to {plot} ({exc.strerror}): name another file.") from exc
    described = found.describe()
    if is_json:
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    console.print(_build_figures(described))
    if described["kinds"]:
        console.print(_build_kinds(described["kinds"]))
    console.print(_build_reliability(described["reliability"]))
    for note in described["notes"]:
        console.print(f"note: {note}", soft_wrap=True, markup=False)


def _build_figures(described: dict[str, Any]) -> Table:
    title = (
        f"{described['questions']} questions, {described['answerable']} of them answerable, over "
        f"{described['articles']} articles; {described['questions_per_s']} questions a second"
    )
    table = Table("", "Baton", *described["baselines"], title=title, title_justify="left")
    baselines = described["baselines"].values()
    for key, name in _ROWS.items():
        label = f"{name} ({described['target_error']:.0%})" if key == "coverage_at_target" else name
        table.add_row(label, _format(described[key]), *(_format(baseline[key]) for baseline in baselines))
    for key, name in _OWN_ROWS.items():
        table.add_row(name, _format(described[key]), *("" for _ in baselines))
    return table


def _build_kinds(kinds: dict[str, Any]) -> Table:
    names = ("recall_at_1", "recall_at_3", "auroc", "answered", "answered_wrong", "clarified", "clarified_right")
    heads = ("first", "in three", "AUROC", "answered", "of these wrong", "clarified", "right one offered")
    table = Table("kind", "questions", *heads, title="By kind", title_justify="left")
    for kind, figures in kinds.items():
        table.add_row(escape(kind), str(figures["questions"]), *(_format(figures[name]) for name in names))
    return table


def _build_reliability(bins: list[dict[str, Any]]) -> Table:
    table = Table("stated", "questions", "mean stated", "truly right", title="Reliability", title_justify="left")
    for row in bins:
        stated = f"{row['start']:.1f} to {row['end']:.1f}"
        table.add_row(stated, str(row["questions"]), _format(row["probability"]), _format(row["right"]))
    return table


def _format(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _build_table(title: str, figures: dict[str, Any]) -> Table:
    table = Table("", "", title=title, title_justify="left", show_header=False)
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), _show_figure(value))
    return table


def _build_comparison(title: str, found: dict[str, Any]) -> Table:
    """Build a table of the figures in `found` beside those of its `baselines`; what only the first has stands alone."""
    baselines = found["baselines"]
    table = Table("", "Baton", *baselines, title=title, title_justify="left")
    for name, value in found.items():
        if name != "baselines":
            others = [_show_figure(one[name]) if name in one else "" for one in baselines.values()]
            table.add_row(name.replace("_", " "), _show_figure(value), *others)
    return table


def _show_figure(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
