"""The encoder's lock: a question between two batches of an import gets its turn."""

import threading

import pytest

from knowledge_base.torch_embedder import FairLock


def test_lock_goes_to_who_asked_first_and_not_to_who_had_it() -> None:
    lock = FairLock()
    order: list[str] = []
    import_is_inside, question_asks = threading.Event(), threading.Event()

    def run_import() -> None:
        for batch in range(3):
            with lock:
                import_is_inside.set()
                if batch == 0:
                    question_asks.wait(5)
                    while lock._next_ticket < 2:  # until the question has drawn its ticket
                        pass
                order.append(f"batch {batch}")

    def ask() -> None:
        import_is_inside.wait(5)
        question_asks.set()
        with lock:
            order.append("question")

    threads = [threading.Thread(target=run_import), threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == ["batch 0", "question", "batch 1", "batch 2"]


def test_lock_is_given_back_when_its_holder_fails() -> None:
    lock = FairLock()
    with pytest.raises(ValueError, match="inside"), lock:
        raise ValueError("inside")
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    assert taken.wait(5)
