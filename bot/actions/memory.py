"""What the bot remembers of a conversation between turns: three Rasa slots, and nothing else."""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

# After that many articles for one question the oldest is forgotten; nobody presses "no" thirty times.
MAX_SHOWN = 30


@dataclass(frozen=True)
class Option:
    """One of the articles that the visitor was asked to choose from."""

    slug: str
    language: str
    title: str


@dataclass(frozen=True)
class Pending:
    """What the bot asked last, and so what a "yes" or a "no" is about.

    kind: "person" (shall I get one?), "article" (did this help?) or "options" (which of these?).
    """

    kind: str
    options: Tuple[Option, ...] = ()


@dataclass(frozen=True)
class Memory:
    """The last question, the slugs shown for it (newest last), the passage shown last, and what is pending."""

    last_question: Optional[str] = None
    shown: Tuple[str, ...] = ()
    last_passage: Optional[int] = None
    pending: Optional[Pending] = None

    @property
    def pending_kind(self) -> Optional[str]:
        return self.pending.kind if self.pending else None

    def forget_pending(self) -> "Memory":
        return replace(self, pending=None)

    def offer_person(self) -> "Memory":
        return replace(self, pending=Pending("person"))

    def ask_question(self, question: str) -> "Memory":
        """Start on a question; the same one again keeps what was shown for it."""
        if is_same_question(question, self.last_question):
            return replace(self, last_question=question)
        return Memory(last_question=question)

    def show_article(self, slug: str, passage: int) -> "Memory":
        shown = (*(known for known in self.shown if known != slug), slug)[-MAX_SHOWN:]
        return replace(self, shown=shown, last_passage=passage, pending=Pending("article"))

    def offer_options(self, options: Tuple[Option, ...]) -> "Memory":
        return replace(self, pending=Pending("options", options))


def is_same_question(question: str, other: Optional[str]) -> bool:
    """Whether two questions have the same wording, but for case, spaces and punctuation."""
    return other is not None and _wording(question) == _wording(other)


def read_memory(slots: Dict[str, Any]) -> Memory:
    """Read the memory from Rasa's slots; what is absent or damaged counts as forgotten."""
    shown = slots.get("shown") or {}
    pending = slots.get("pending") or {}
    if not isinstance(shown, dict) or not isinstance(pending, dict):
        return Memory(last_question=slots.get("last_question"))
    options = tuple(Option(**option) for option in pending.get("options", ()))
    return Memory(
        last_question=slots.get("last_question"),
        shown=tuple(shown.get("slugs", ())),
        last_passage=shown.get("passage"),
        pending=Pending(pending["kind"], options) if pending else None,
    )


def write_memory(memory: Memory) -> Dict[str, Any]:
    """Return the memory as values for Rasa's slots."""
    pending: Optional[Dict[str, Any]] = None
    if memory.pending:
        options: List[Dict[str, str]] = [vars(option) for option in memory.pending.options]
        pending = {"kind": memory.pending.kind, "options": options}
    return {
        "last_question": memory.last_question,
        "shown": {"slugs": list(memory.shown), "passage": memory.last_passage},
        "pending": pending,
    }


def _wording(question: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in question.casefold()).split())
