"""How the bot asks for a person: at once when somebody is free, else after the form has asked what they will need."""

import logging
from typing import Any, Dict, Optional

from actions.knowledge_base import KnowledgeBaseUnreachable
from actions.payloads import Payload, build_ask, build_handoff, build_say
from actions.turn import Reply, Turn, read_details

logger = logging.getLogger(__name__)

# These are worth a few questions. Whoever is angry is asked nothing.
REASONS_WITH_FORM = ("asked_for_person", "account_specific")
# Of the visitor's question so much is said again, with an ellipsis.
QUOTE_MAX_CHARS = 60


def reply_handoff(turn: Turn, reason: str, *, detail: str = "", slots: Optional[Dict[str, Any]] = None) -> Reply:
    """Ask for a person, and say so; with nobody at the desk the words promise no one, and the form may begin."""
    changes = dict(slots or {})
    if not turn.is_person_free and reason in REASONS_WITH_FORM and not turn.is_in_form:
        request = {"reason": reason, "asked": {}}
        changes["handoff_request"] = request
        return Reply(_say_nobody_free(turn, reason), turn.memory.forget_pending(), changes, starts_form=True)
    key = f"handoff_{reason}" if turn.is_person_free else "handoff_unstaffed"
    details = {**turn.details, **read_details(changes)}
    handoff = build_handoff(reason, turn.choose_text(key), detail=detail, slots=details)
    return Reply((handoff,), turn.memory.forget_pending(), changes)


def reply_failed(turn: Turn, error: KnowledgeBaseUnreachable) -> Reply:
    """Ask for a person because the knowledge base does not answer."""
    logger.warning("knowledge_base_unreachable: %s", error)
    return reply_handoff(turn, "bot_failed", detail="knowledge_base_unreachable")


def build_question(turn: Turn, field: str, *, is_again: bool) -> Payload:
    """Build the form's question for a field; the question that the visitor asked already is part of what happened."""
    skip = turn.choose_text("skip")
    if field == "what_happened" and turn.memory.open_question:
        text = turn.choose_text("ask_beyond_question", question=_quote(turn.memory.open_question))
        return build_ask(field, text, skip)
    key = "ask_email_again" if field == "email" and is_again else f"ask_{field}"
    return build_ask(field, turn.choose_text(key), skip)


def build_message(turn: Turn, reason: str) -> Payload:
    """Build the hand-over that ends the form, with all that it found out."""
    if turn.is_person_free:
        text = turn.choose_text(f"handoff_{reason}")
    elif turn.opens_at:
        text = turn.choose_text("form_done_until", opens_at=turn.opens_at)
    else:
        text = turn.choose_text("form_done")
    return build_handoff(reason, text, slots=turn.details)


def _say_nobody_free(turn: Turn, reason: str) -> tuple:
    if turn.opens_at:
        text = turn.choose_text("nobody_free_until", opens_at=turn.opens_at)
    else:
        text = turn.choose_text("nobody_free")
    if reason == "account_specific":
        text = f"{turn.choose_text('only_with_account')} {text}"
    return (build_say("nobody_free", text),)


def _quote(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= QUOTE_MAX_CHARS else f"{line[: QUOTE_MAX_CHARS - 1].rstrip()}…"
