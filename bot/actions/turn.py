"""One turn as the replies see it: what the visitor sent, how it was understood, and what the bot remembers."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from actions.choice import decide_choice
from actions.memory import Memory, Option
from actions.payloads import Payload, build_understood
from actions.texts import choose_text, primary_subtag

# What the form collects, in the order of its questions: the slots of these names.
MAX_DETAIL_CHARS = {"what_happened": 2000, "since_when": 200, "email": 254}
FIELDS = tuple(MAX_DETAIL_CHARS)


@dataclass(frozen=True)
class Turn:
    """What came in. `language` is None when the widget did not say; texts are English then.

    details: the form's slots that hold something. opens_at: when the desk opens, in the visitor's words and time zone.
    """

    text: str
    intent: str
    confidence: float
    memory: Memory
    ranking: List[Dict[str, Any]] = field(default_factory=list)
    entities: Dict[str, str] = field(default_factory=dict)
    details: Dict[str, str] = field(default_factory=dict)
    language: Optional[str] = None
    is_staffed: bool = True
    is_open: bool = True
    opens_at: str = ""
    has_email: bool = False
    is_in_form: bool = False

    @property
    def is_person_free(self) -> bool:
        """Whether a hand-over now reaches somebody."""
        return self.is_staffed and self.is_open

    @property
    def typed_choice(self) -> Optional[Option]:
        """The option that the visitor named in words, if some were just offered."""
        if self.memory.pending is None or not self.memory.pending.options:
            return None
        return decide_choice(self.text, self.memory.pending.options)

    def choose_text(self, key: str, **values: str) -> str:
        return choose_text(key, self.language, **values)

    def choose_offer(self, key: str) -> str:
        """Give the text for `key` and the offer of a person, or with nobody there the offer to pass it on."""
        offer = "offer_person" if self.is_person_free else "offer_message"
        return f"{self.choose_text(key)} {self.choose_text(offer)}"

    def build_understood(self, details: Dict[str, str]) -> Payload:
        return build_understood(self.intent, self.confidence, self.ranking, details)


@dataclass(frozen=True)
class Reply:
    """What goes out, in order, and what the bot remembers afterwards.

    slots: Rasa's other slots that change. starts_form: whether the form asks its first question now.
    """

    payloads: Tuple[Payload, ...]
    memory: Memory
    slots: Dict[str, Any] = field(default_factory=dict)
    starts_form: bool = False


def read_turn(
    message: Dict[str, Any], memory: Memory, *, slots: Optional[Dict[str, Any]] = None, is_in_form: bool = False
) -> Turn:
    """Read Rasa's latest message. Metadata comes from outside: what has the wrong type counts as absent."""
    metadata = message.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    language = metadata.get("language")
    opens_at = metadata.get("opens_at")
    intent = message.get("intent") or {}
    return Turn(
        text=str(message.get("text") or "").strip(),
        intent=str(intent.get("name") or "nlu_fallback"),
        confidence=float(intent.get("confidence") or 0.0),
        ranking=list(message.get("intent_ranking") or []),
        entities={e["entity"]: str(e["value"]) for e in message.get("entities") or [] if e.get("value")},
        memory=memory,
        details=read_details(slots or {}),
        language=primary_subtag(language) if isinstance(language, str) and language else None,
        is_staffed=metadata.get("is_staffed") is not False,
        is_open=metadata.get("is_open") is not False,
        opens_at=opens_at if isinstance(opens_at, str) else "",
        has_email=metadata.get("has_email") is True,
        is_in_form=is_in_form,
    )


def read_details(slots: Dict[str, Any]) -> Dict[str, str]:
    """Give the form's slots that hold something, each cut to its length; a skipped one holds the empty text."""
    return {name: slots[name][:limit] for name, limit in MAX_DETAIL_CHARS.items() if slots.get(name)}
