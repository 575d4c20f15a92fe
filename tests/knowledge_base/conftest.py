"""The knowledge base's cast: an embedder that knows words only, a clock, a base, a client, and a small help centre."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from knowledge_base.article import ArticleDraft, build_content, build_draft
from knowledge_base.embedding import Encoded, Matrix
from knowledge_base.late_interaction import make_projection, reduce_tokens
from knowledge_base.library import CHANGES_MAX, KnowledgeBase
from knowledge_base.service import create_app
from tests.conftest import PATIENCE_S

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-tests-only"


class KeywordEmbedder:
    """Texts are alike as far as they share words. Deterministic, and it remembers what it had to encode."""

    def __init__(self, model: str = "keywords", dimension: int = 256) -> None:
        self._model = model
        self._dimension = dimension
        self.encoded: list[str] = []

    @property
    def model(self) -> str:
        return self._model

    @property
    def space(self) -> str:
        return self._model

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.encoded += texts
        return self._count(texts)

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        vectors = self.encode(texts)
        found = []
        for text, vector in zip(texts, vectors, strict=True):
            words = re.findall(r"\w+", text.lower())
            ids = [int(hashlib.sha256(word.encode()).hexdigest(), 16) % 30_000 for word in words]
            rows = self._count(words)
            found.append(Encoded(vector, reduce_tokens(ids, rows, make_projection(self._dimension))))
        return found

    def _count(self, texts: Sequence[str]) -> Matrix:
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self._dimension] += 1
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return rows

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+", text))


class HeldEmbedder(KeywordEmbedder):
    """Does not come back from a text with the word "held" before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.holding = threading.Semaphore(0)

    def encode(self, texts: Sequence[str]) -> Matrix:
        if any("held" in text for text in texts):
            self.holding.release()
            assert self.let_go.wait(PATIENCE_S)
        return super().encode(texts)


class Clock:
    """Stands still unless a test says how many seconds pass."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


class Desk:
    """Speaks to the service as Baton's other processes do."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.headers = {"Authorization": f"Bearer {TOKEN}"}

    def get(self, path: str, status: int = 200) -> dict:
        return self._expect(self._client.get(path, headers=self.headers), status)

    def post(self, path: str, body: object, status: int = 200) -> dict:
        return self._expect(self._client.post(path, json=body, headers=self.headers), status)

    def post_bytes(self, path: str, body: bytes, status: int) -> dict:
        return self._expect(self._client.post(path, data=body, headers=self.headers), status)

    def put(self, path: str, body: object, status: int = 200) -> dict:
        return self._expect(self._client.put(path, json=body, headers=self.headers), status)

    @staticmethod
    def _expect(response: object, status: int) -> dict:
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json()


@pytest.fixture
def embedder() -> KeywordEmbedder:
    return KeywordEmbedder()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_base(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., KnowledgeBase]]:
    """Open the test's database, as often as a test restarts."""
    opened: list[KnowledgeBase] = []

    def open_(embedder: KeywordEmbedder | None = None) -> KnowledgeBase:
        base = KnowledgeBase(tmp_path / "kb.db", embedder or KeywordEmbedder(), clock=clock)
        opened.append(base)
        return base

    yield open_
    for base in opened:
        base.close()


@pytest.fixture
def base(open_base: Callable[..., KnowledgeBase], embedder: KeywordEmbedder) -> KnowledgeBase:
    return open_base(embedder)


@pytest.fixture
def desk(base: KnowledgeBase) -> Desk:
    return Desk(create_app(base, TOKEN).test_client())


@pytest.fixture
def centre(base: KnowledgeBase) -> KnowledgeBase:
    """A base with six published English articles, two of them in German too."""
    base.import_articles(CENTRE, "Ada")
    return base


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[KnowledgeBase]:
    """A base that takes as many changes as it takes at a time, and is done with none of them before the test ends."""
    embedder = HeldEmbedder()
    base = KnowledgeBase(tmp_path / "busy.db", embedder)
    base.import_articles(CENTRE, "Ada")
    with ThreadPoolExecutor(CHANGES_MAX) as pool:
        for number in range(CHANGES_MAX):
            pool.submit(base.import_articles, [draft(f"held-{number}", f"This is held {number}", "Up.")], "Ada")
            assert embedder.holding.acquire(timeout=PATIENCE_S)
        yield base
        embedder.let_go.set()
    base.close()


def draft(slug: str, title: str, body: str, *, language: str = "en", phrasings: Sequence[str] = ()) -> ArticleDraft:
    return build_draft(language, slug, build_content(title, body, (), list(phrasings)))


CENTRE = (
    draft(
        "reset-password",
        "Reset your password",
        "Open the sign-in page.\n\n1. Choose **Forgot password**.\n2. Enter your e-mail address.\n3. Open the link.",
        phrasings=["i forgot my password", "cannot sign in any more"],
    ),
    draft("delete-account", "Delete your account", "Choose **Delete account** in the settings. It is final."),
    draft("change-invoice", "Change the address on an invoice", "Write to billing. An invoice is corrected once."),
    draft("export-photos", "Export your photos", "Photos are exported as one archive from the gallery."),
    draft("opening-hours", "Opening hours", "Somebody answers from Monday to Friday, eight to eight."),
    draft("shared-folders", "Share a folder", "A folder can be shared with people or by a link."),
    draft(
        "reset-password",
        "Kennwort zurücksetzen",
        "Öffnen Sie die Anmeldeseite und wählen Sie **Kennwort vergessen**.",
        language="de",
        phrasings=["ich habe mein kennwort vergessen"],
    ),
    draft("export-photos", "Fotos exportieren", "Fotos werden als Archiv exportiert.", language="de"),
)
