"""What the bot remembers of a conversation between turns, kept in Rasa's slots.

Two spans: what belongs to the question at hand is forgotten with the next one; what belongs to the conversation stays,
until the visitor starts over.
"""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

# After that many articles the oldest is forgotten; nobody presses "no" thirty times.
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
    """The last question as it was searched, its topic (the last question that stood by itself), and what was shown.

    Of the question: `shown` slugs (newest last), `last_passage`, `refusals` ("no" to an article), `is_settled`.
    Of the conversation: `seen` slugs, `refused` answers, `barred` slugs (shown before a person took over).
    """

    last_question: Optional[str] = None
    topic: Optional[str] = None
    shown: Tuple[str, ...] = ()
    last_passage: Optional[int] = None
    refusals: int = 0
    is_settled: bool = False
    pending: Optional[Pending] = None
    seen: Tuple[str, ...] = ()
    refused: Tuple[str, ...] = ()
    barred: Tuple[str, ...] = ()
    has_greeted: bool = False

    @property
    def pending_kind(self) -> Optional[str]:
        return self.pending.kind if self.pending else None

    @property
    def open_question(self) -> Optional[str]:
        """The last question, unless the visitor said that it is answered."""
        return None if self.is_settled else self.last_question

    @property
    def unwanted(self) -> Tuple[str, ...]:
        """The slugs that no search for something else may bring back."""
        return tuple(dict.fromkeys((*self.shown, *self.barred, *(name.split("#")[0] for name in self.refused))))

    def forget_pending(self) -> "Memory":
        return replace(self, pending=None)

    def offer_person(self) -> "Memory":
        return replace(self, pending=Pending("person"))

    def ask_question(self, question: str) -> "Memory":
        """Start on a question; the same one again keeps what was shown for it."""
        if is_same_question(question, self.last_question):
            return replace(self, last_question=question, is_settled=False)
        fresh = replace(self, last_question=question, topic=question, shown=(), last_passage=None)
        return replace(fresh, refusals=0, is_settled=False, pending=None)

    def ask_follow_up(self, question: str) -> "Memory":
        """Go on about the same topic: what was shown for it stays shown."""
        return replace(self, last_question=question, refusals=0, is_settled=False, pending=None)

    def show_article(self, slug: str, passage: int) -> "Memory":
        shown, seen = _add(self.shown, slug), _add(self.seen, slug)
        return replace(self, shown=shown, seen=seen, last_passage=passage, pending=Pending("article"))

    def refuse_article(self) -> "Memory":
        """Take a "no" to the article that was shown last."""
        if not self.shown:
            return replace(self, refusals=self.refusals + 1)
        refused = _add(self.refused, name_answer(self.shown[-1], self.last_passage))
        return replace(self, refusals=self.refusals + 1, refused=refused)

    def settle(self) -> "Memory":
        return replace(self, is_settled=True, pending=None)

    def offer_options(self, options: Tuple[Option, ...]) -> "Memory":
        return replace(self, pending=Pending("options", options))

    def return_from_person(self, topic: Optional[str], named: Sequence[str]) -> "Memory":
        """Pick up after a person: about what they spoke of, and without any article that was shown or `named`."""
        barred = tuple(dict.fromkeys((*self.barred, *self.seen, *named)))[-MAX_SHOWN:]
        kept = Memory(seen=self.seen, refused=self.refused, barred=barred, has_greeted=True)
        return replace(kept, last_question=topic or self.last_question, topic=topic or self.topic, is_settled=True)


def name_answer(slug: str, passage: Optional[int]) -> str:
    """Name an answer so that another passage of the same article is another answer."""
    return f"{slug}#{passage}"


def is_same_question(question: str, other: Optional[str]) -> bool:
    """Whether two questions have the same wording, but for case, spaces and punctuation."""
    return other is not None and _wording(question) == _wording(other)


def read_memory(slots: Dict[str, Any]) -> Memory:
    """Read the memory from Rasa's slots; what is absent or damaged counts as forgotten."""
    shown = slots.get("shown") or {}
    pending = slots.get("pending") or {}
    memory = Memory(last_question=slots.get("last_question"), topic=slots.get("topic"))
    if not isinstance(shown, dict) or not isinstance(pending, dict):
        return memory
    options = tuple(Option(**option) for option in pending.get("options", ()))
    return replace(
        memory,
        shown=tuple(shown.get("slugs", ())),
        last_passage=shown.get("passage"),
        refusals=shown.get("refusals", 0),
        is_settled=shown.get("is_settled", False),
        seen=tuple(shown.get("seen", ())),
        refused=tuple(shown.get("refused", ())),
        barred=tuple(shown.get("barred", ())),
        pending=Pending(pending["kind"], options) if pending else None,
        has_greeted=bool(slots.get("has_greeted")),
    )


def write_memory(memory: Memory) -> Dict[str, Any]:
    """Return the memory as values for Rasa's slots."""
    pending: Optional[Dict[str, Any]] = None
    if memory.pending:
        options: List[Dict[str, str]] = [vars(option) for option in memory.pending.options]
        pending = {"kind": memory.pending.kind, "options": options}
    return {
        "last_question": memory.last_question,
        "topic": memory.topic,
        "shown": {
            "slugs": list(memory.shown),
            "passage": memory.last_passage,
            "refusals": memory.refusals,
            "is_settled": memory.is_settled,
            "seen": list(memory.seen),
            "refused": list(memory.refused),
            "barred": list(memory.barred),
        },
        "pending": pending,
        "has_greeted": memory.has_greeted,
    }


def _add(names: Tuple[str, ...], name: str) -> Tuple[str, ...]:
    return (*(known for known in names if known != name), name)[-MAX_SHOWN:]


def _wording(question: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in question.casefold()).split())
