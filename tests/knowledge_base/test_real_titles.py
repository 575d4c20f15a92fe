"""Each title of a real help centre in four languages, misspelt by two seeded edits, finds its article first."""

import random
from collections import defaultdict
from collections.abc import Iterator

import pytest

from knowledge_base.article import ArticleDraft
from knowledge_base.importing.articles import read_articles
from knowledge_base.library import KnowledgeBase
from tests.knowledge_base.conftest import REPOSITORY
from tests.support.embedder import share_embedder

HELP = REPOSITORY.parent / "shared" / "real-articles" / "login-gov" / "_help"
SEEDS = (1, 2)
LATIN = "abcdefghijklmnopqrstuvwxyz"
# Chinese titles are asked as they are: an edit of one character is another word.
LEAST = {"en": 0.97, "es": 0.97, "fr": 0.97, "zh": 0.90}

Centre = tuple[KnowledgeBase, tuple[ArticleDraft, ...]]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    if not HELP.is_dir():
        pytest.skip(f"the real help centre is not beside the repository ({HELP})")
    drafts = read_articles(HELP).drafts
    base = KnowledgeBase(tmp_path_factory.mktemp("titles") / "kb.db", share_embedder())
    base.import_articles(drafts, "import")
    yield base, drafts
    base.close()


@pytest.mark.slow
@pytest.mark.parametrize("is_told", [True, False], ids=["language told", "language found out"])
def test_a_misspelt_title_finds_its_article_first(centre: Centre, is_told: bool) -> None:
    """Where the language is not told, a title that is the same in two languages may find either."""
    base, drafts = centre
    wanted = defaultdict(set)
    for draft in drafts:
        wanted[draft.language, draft.content.title].add(draft.slug)
    found = defaultdict(list)
    for seed in SEEDS:
        for draft in drafts:
            title = draft.content.title
            question = title if draft.language == "zh" else misspell(title, random.Random(f"{seed} {draft.slug}"))
            answer = base.ask(question, language=draft.language if is_told else None, is_logged=False)
            slug = answer.results[0].article.slug if answer.results else None
            found[draft.language].append(slug in wanted[draft.language, title])
    shares = {language: sum(right) / len(right) for language, right in found.items()}
    assert {language for language, share in shares.items() if share < LEAST[language]} == set(), shares


def misspell(text: str, chance: random.Random) -> str:
    """Delete, swap, replace or insert a letter, twice."""
    letters = list(text)
    for _ in range(2):
        place = chance.choice([n for n, letter in enumerate(letters) if letter.isalpha()])
        edit = chance.choice(("delete", "swap", "replace", "insert"))
        if edit == "delete":
            del letters[place]
        elif edit == "swap":
            letters[place : place + 2] = reversed(letters[place : place + 2])
        elif edit == "replace":
            letters[place] = chance.choice(LATIN)
        else:
            letters.insert(place, chance.choice(LATIN))
    return "".join(letters)
