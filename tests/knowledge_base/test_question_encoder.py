"""Questions that arrive while others are encoded: one pass at a time, the next one takes all that wait."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from knowledge_base.embedding import Encoded, QuestionEncoder
from tests.knowledge_base.conftest import KeywordEmbedder

PATIENCE_S = 10


class GatedEmbedder(KeywordEmbedder):
    """Holds each pass until the test lets it go, and remembers the passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[list[str]] = []
        self.gate = threading.Semaphore(0)
        self.fails = False

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        self.passes.append(list(texts))
        assert self.gate.acquire(timeout=PATIENCE_S)
        if self.fails:
            raise MemoryError("no room")
        return super().encode_tokens(texts)


class Crowd:
    """Threads that ask at the same time; each one's result or error by its number."""

    def __init__(self, encoder: QuestionEncoder) -> None:
        self._encoder = encoder
        self._threads: list[threading.Thread] = []
        self.outcomes: dict[int, object] = {}

    def ask(self, *texts: str) -> None:
        number = len(self._threads)

        def run() -> None:
            try:
                self.outcomes[number] = self._encoder.encode_all(texts)
            except MemoryError as exc:
                self.outcomes[number] = exc

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@pytest.fixture
def gated() -> GatedEmbedder:
    return GatedEmbedder()


@pytest.fixture
def encoder(gated: GatedEmbedder) -> QuestionEncoder:
    return QuestionEncoder(gated)


def wait_until(condition: Callable[[], bool]) -> None:
    gives_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < gives_up_at
        time.sleep(0.001)


def test_what_arrives_during_a_pass_goes_together_into_the_next(gated: GatedEmbedder, encoder: QuestionEncoder) -> None:
    crowd = Crowd(encoder)
    crowd.ask("first")
    wait_until(lambda: gated.passes == [["first"]])
    for text in ("a", "b", "first", "c", "a"):
        crowd.ask(text)
    wait_until(lambda: len(encoder._waiting) == 3)
    gated.gate.release(2)
    crowd.end()
    assert [sorted(texts) for texts in gated.passes] == [["first"], ["a", "b", "c"]]
    for number, text in enumerate(("first", "a", "b", "first", "c", "a")):
        assert np.array_equal(crowd.outcomes[number], gated._count([text]))


def test_a_request_of_many_texts_lets_a_question_in_between(gated: GatedEmbedder, encoder: QuestionEncoder) -> None:
    many = [f"text {n}" for n in range(40)]
    crowd = Crowd(encoder)
    crowd.ask(*many)
    wait_until(lambda: len(gated.passes) == 1)
    crowd.ask("a question")
    wait_until(lambda: len(encoder._waiting) == 1)
    gated.gate.release(10)
    crowd.end()
    assert len(gated.passes[0]) < 20
    assert "a question" in gated.passes[1]
    assert np.array_equal(crowd.outcomes[0], gated._count(many))


def test_a_pass_that_fails_is_told_to_all_in_it_and_forgotten(gated: GatedEmbedder, encoder: QuestionEncoder) -> None:
    crowd = Crowd(encoder)
    gated.fails = True
    crowd.ask("one")
    wait_until(lambda: gated.passes == [["one"]])
    crowd.ask("two")
    crowd.ask("two", "three")
    wait_until(lambda: len(encoder._waiting) == 2)
    gated.gate.release(2)
    crowd.end()
    assert all(isinstance(crowd.outcomes[number], MemoryError) for number in range(3))
    gated.fails = False
    gated.gate.release()
    assert np.array_equal(encoder.encode_all(["three", "two"]), gated._count(["three", "two"]))


def test_a_question_that_the_memory_has_no_room_for_is_answered(gated: GatedEmbedder) -> None:
    encoder = QuestionEncoder(gated, cache_size=1)
    crowd = Crowd(encoder)
    crowd.ask("first")
    wait_until(lambda: gated.passes == [["first"]])
    for text in ("a", "b", "a"):
        crowd.ask(text)
    wait_until(lambda: len(encoder._waiting) == 2)
    gated.gate.release(3)
    crowd.end()
    assert sorted(crowd.outcomes) == [0, 1, 2, 3]
    assert sorted(gated.passes[1]) == ["a", "b"]
