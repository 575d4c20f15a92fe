"""One turn as the replies see it: what the visitor sent, how it was understood, and what the bot remembers."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from actions.choice import decide_choice
from actions.memory import Memory, Option
from actions.payloads import Payload, build_understood
from actions.texts import choose_text, primary_subtag


@dataclass(frozen=True)
class Turn:
    """What came in. `language` is None when the widget did not say; texts are English then."""

    text: str
    intent: str
    confidence: float
    memory: Memory
    ranking: List[Dict[str, Any]] = field(default_factory=list)
    entities: Dict[str, str] = field(default_factory=dict)
    language: Optional[str] = None
    is_staffed: bool = True

    @property
    def typed_choice(self) -> Optional[Option]:
        """The option that the visitor named in words, if some were just offered."""
        if self.memory.pending is None or not self.memory.pending.options:
            return None
        return decide_choice(self.text, self.memory.pending.options)

    def choose_text(self, key: str) -> str:
        return choose_text(key, self.language)

    def build_understood(self) -> Payload:
        return build_understood(self.intent, self.confidence, self.ranking)


@dataclass(frozen=True)
class Reply:
    """What goes out, in order, and what the bot remembers afterwards."""

    payloads: Tuple[Payload, ...]
    memory: Memory


def read_turn(message: Dict[str, Any], memory: Memory) -> Turn:
    """Read Rasa's latest message. Metadata comes from outside: what has the wrong type counts as absent."""
    metadata = message.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    language = metadata.get("language")
    intent = message.get("intent") or {}
    return Turn(
        text=str(message.get("text") or "").strip(),
        intent=str(intent.get("name") or "nlu_fallback"),
        confidence=float(intent.get("confidence") or 0.0),
        ranking=list(message.get("intent_ranking") or []),
        entities={e["entity"]: str(e["value"]) for e in message.get("entities") or [] if e.get("value")},
        memory=memory,
        language=primary_subtag(language) if isinstance(language, str) and language else None,
        is_staffed=metadata.get("is_staffed") is not False,
    )
