"""Labelled questions with everything that a knowledge base has to say to them, as rows of features.

Real help centres come in all kinds, so every labelled one is seen three times: as it is, without phrasings, and with
titles and phrasings only. Each time its articles are also asked for nearly by name. Sets of intents (banking77,
clinc150) stand for the desks that have nothing but example questions: some intents become articles, the others'
questions are answered by none.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from knowledge_base.article import PHRASING_MAX_CHARS, ArticleDraft, build_content, build_draft, build_slug
from knowledge_base.calibration import compare, describe_question
from knowledge_base.embedding import Embedder, Matrix, QuestionEncoder
from knowledge_base.evaluation.labelled import LabelledQuestion, read_articles, read_questions
from knowledge_base.language_index import LanguageIndex
from knowledge_base.library import KnowledgeBase
from knowledge_base.ranking import build_question, find_candidates

# Never fitted on by anything: what is said of help centres that Baton has not seen is measured on these.
KEPT_OUT = ("quillon-printers", "ravenloft-play", "tarn-and-tor")
_OWN_CENTRES = Path(__file__).with_name("centres")
_CACHE_SIZE = 50_000
# Phrasings for each article and articles of each set of intents; with none, the title is a question.
_INTENT_SHAPES = ((3, 40), (8, 50), (20, 30), (0, 60))
_OBVIOUS = "obvious"
_LEFT_OUT_SHARE = 0.25
_ANSWERABLE, _OTHER_INTENTS, _OUT_OF_SCOPE = 260, 100, 60


@dataclass(frozen=True, slots=True)
class Centre:
    """A labelled help centre in one of its variants; `family` is what must not be both fitted on and judged."""

    family: str
    variant: str
    drafts: tuple[ArticleDraft, ...]
    questions: tuple[LabelledQuestion, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One question to one centre: a row of features for each candidate, and whether each one is right."""

    family: str
    variant: str
    is_answerable: bool
    kind: str
    features: Matrix
    is_right: npt.NDArray[np.bool_]

    @property
    def group(self) -> str:
        """What it is reported with."""
        return self.kind if self.kind == _OBVIOUS else self.variant


def list_fitted(folder: Path) -> list[Path]:
    """Return the help centres that may be fitted on, by name: Baton's own, and those below the folder of benchmarks."""
    given = [centre for centre in (folder / "help-centres").iterdir() if centre.name not in KEPT_OUT]
    return sorted([*given, *list_own()], key=lambda centre: centre.name)


def list_own() -> list[Path]:
    """Return the help centres that were written for Baton, by name."""
    return sorted(centre for centre in _OWN_CENTRES.iterdir() if centre.is_dir())


def read_intent_centres(folder: Path) -> Iterator[Centre]:
    """Make help centres of the sets of intents below the folder of benchmarks."""
    for intents in ("banking77", "clinc150"):
        yield from _build_intent_centres(folder / intents)


def read_kept_out(folder: Path) -> Iterator[Centre]:
    """Read the help centres that nothing is fitted on."""
    yield from read_help_centres([folder / "help-centres" / name for name in KEPT_OUT])


def read_help_centres(folders: Sequence[Path]) -> Iterator[Centre]:
    """Read labelled help centres, each in its three variants."""
    for centre in folders:
        drafts = read_articles(centre / "articles.jsonl", language="en").drafts
        questions = tuple(read_questions(centre / "questions.jsonl"))
        bare = tuple(replace(d, content=replace(d.content, phrasings=())) for d in drafts)
        short = tuple(replace(d, content=replace(d.content, body=d.content.title)) for d in drafts)
        for variant, articles in (("full", drafts), ("no-phrasings", bare), ("no-bodies", short)):
            yield Centre(centre.name, variant, articles, questions)


def read_obvious(folders: Sequence[Path]) -> Iterator[Centre]:
    """Read labelled help centres with other questions: what an article is called, in words that are nearly the same."""
    for centre in read_help_centres(folders):
        chance = random.Random(f"{centre.family} {centre.variant}")
        questions = []
        for draft in centre.drafts:
            name = chance.choice([draft.content.title, *draft.content.phrasings])
            questions.append(LabelledQuestion(_reword(name, chance), (draft.slug,), _OBVIOUS))
        yield replace(centre, questions=tuple(questions))


def _reword(text: str, chance: random.Random) -> str:
    """Leave out about a quarter of the words and exchange two neighbours."""
    words = text.lower().split()
    kept = [word for word in words if chance.random() >= _LEFT_OUT_SHARE] or words
    if len(kept) > 1:
        place = chance.randrange(len(kept) - 1)
        kept[place : place + 2] = kept[place + 1], kept[place]
    return " ".join(kept)


def observe(centres: Sequence[Centre], embedder: Embedder, work: Path | None = None) -> list[Observation]:
    """Ask each centre its questions; `work` keeps the vectors for the next time."""
    encoder = QuestionEncoder(embedder, cache_size=_CACHE_SIZE)
    observations: list[Observation] = []
    with TemporaryDirectory() as folder:
        for centre in centres:
            base = KnowledgeBase((work or Path(folder)) / f"{centre.family}-{centre.variant}.db", embedder)
            base.import_articles(centre.drafts, "fitting")
            index = base.index.languages["en"]
            observations += [_observe(centre, question, index, encoder) for question in centre.questions]
            base.close()
    return observations


def _observe(centre: Centre, labelled: LabelledQuestion, index: LanguageIndex, encoder: QuestionEncoder) -> Observation:
    question = build_question(labelled.text, "en", index, encoder)
    candidates = find_candidates(question, index, frozenset())
    right = [index.articles[article].slug in labelled.slugs for article in candidates.articles]
    return Observation(
        centre.family,
        centre.variant,
        bool(labelled.slugs),
        labelled.kind,
        compare(candidates.signals, describe_question(question)),
        np.array(right, dtype=bool),
    )


def _build_intent_centres(folder: Path) -> Iterator[Centre]:
    train, test = (read_intents(folder / name) for name in ("train.jsonl", "test.jsonl"))
    for seed, (phrasings, articles) in enumerate(_INTENT_SHAPES):
        chosen = random.Random(seed)
        intents = chosen.sample(sorted(name for name in train if name), articles)
        drafts = []
        for intent in intents:
            title, *others = (text[:PHRASING_MAX_CHARS] for text in chosen.sample(train[intent], phrasings + 1))
            # Half of the desks name an article by a question, half by a topic.
            title = title[:200] if seed % 2 else intent.replace("_", " ").capitalize()
            drafts.append(build_draft("en", build_slug(intent), build_content(title, title, (), others)))
        inside = [(text, intent) for intent in intents for text in test[intent]]
        beside = [text for intent, texts in test.items() if intent and intent not in intents for text in texts]
        outside = test.get("", [])
        questions = [
            LabelledQuestion(text, (build_slug(intent),), "in")
            for text, intent in chosen.sample(inside, min(_ANSWERABLE, len(inside)))
        ]
        unanswered = chosen.sample(beside, min(_OTHER_INTENTS, len(beside)))
        unanswered += chosen.sample(outside, min(_OUT_OF_SCOPE, len(outside)))
        questions += [LabelledQuestion(text, (), "out") for text in unanswered]
        yield Centre(folder.name, f"{phrasings}-phrasings", tuple(drafts), tuple(questions))


def read_intents(path: Path) -> Mapping[str, list[str]]:
    """Return the texts of each intent; those that have none are under the empty name."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["intent"] or "", []).append(row["text"])
    return found
