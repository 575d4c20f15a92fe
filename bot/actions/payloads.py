"""The structured messages that the bot sends, as plain dictionaries with a `type`. README.md has the table."""

from typing import Any, Dict, Optional, Sequence

Payload = Dict[str, Any]

# The handoff service shows at most three buttons, and lists at most three articles to an operator.
MAX_OPTIONS = 3
MAX_RANKING = 3


def build_understood(
    intent: str, confidence: float, ranking: Sequence[Payload], slots: Optional[Dict[str, str]] = None
) -> Payload:
    """Build the first payload of every turn. Rasa's own `nlu_fallback` is left out of the ranking."""
    kept = [
        {"intent": str(entry.get("name")), "confidence": round(float(entry.get("confidence") or 0.0), 4)}
        for entry in ranking
        if entry.get("name") != "nlu_fallback"
    ]
    return {
        "type": "understood",
        "intent": intent,
        "confidence": round(confidence, 4),
        "ranking": kept[:MAX_RANKING],
        "slots": dict(slots or {}),
    }


def build_say(key: str, text: str, *, offers_person: bool = False) -> Payload:
    """Build words that answer themselves; with an offer a "yes" fetches a person."""
    offer = {"offer": "person"} if offers_person else {}
    return {"type": "say", "key": key, "text": text, **offer}


def build_ask(field: str, text: str, skip_text: str) -> Payload:
    """Build one question of the form; a visitor who sends `skip_text` leaves it out."""
    return {"type": "ask", "field": field, "text": text, "skip_text": skip_text}


def build_answer(question: str, text: str, result: Payload) -> Payload:
    """Build the card of one article from a search result of the knowledge base."""
    return {
        "type": "answer",
        "question": question,
        "text": text,
        "article": {key: result[key] for key in ("slug", "language", "title", "revision", "url")},
        "passage": {key: result["passage"][key] for key in ("id", "heading", "text", "html")},
        "probability": result["probability"],
        "tags": result["tags"],
    }


def build_clarify(question: str, text: str, results: Sequence[Payload]) -> Payload:
    return {"type": "clarify", "question": question, "text": text, "options": build_candidates(results)}


def build_unsure(question: str, text: str, results: Sequence[Payload]) -> Payload:
    return {"type": "unsure", "question": question, "text": text, "candidates": build_candidates(results)}


def build_feedback(helpful: bool) -> Payload:
    return {"type": "feedback", "helpful": helpful}


def build_handoff(reason: str, text: str, *, detail: str = "", slots: Optional[Dict[str, str]] = None) -> Payload:
    """Build the request for a person; `reason` is one of the handoff service's closed list."""
    return {"type": "handoff", "reason": reason, "text": text, "detail": detail, "slots": dict(slots or {})}


def build_candidates(results: Sequence[Payload]) -> Sequence[Payload]:
    keys = ("slug", "language", "title", "revision", "url", "probability")
    return [{key: result[key] for key in keys} for result in results[:MAX_OPTIONS]]
