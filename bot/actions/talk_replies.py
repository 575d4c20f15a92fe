"""Replies to everything that is no question: small talk, yes and no, anger, and the wish for a person."""

import logging
from dataclasses import replace
from typing import Optional

from actions.article_replies import answer_question, reply_unsure, show_next_article
from actions.knowledge_base import KnowledgeBase, KnowledgeBaseUnreachable
from actions.memory import Memory
from actions.payloads import Payload, build_feedback, build_handoff, build_say
from actions.turn import Reply, Turn

logger = logging.getLogger(__name__)


async def greet(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "greeting", turn.memory)


async def thank(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "thanks", turn.memory.forget_pending())


async def note_solved(turn: Turn, _: KnowledgeBase) -> Reply:
    """Take "that worked" as a yes to "did this help?", if that is what was asked."""
    return _reply_helpful(turn) if turn.memory.pending_kind == "article" else await thank(turn, _)


async def say_goodbye(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "goodbye", turn.memory.forget_pending())


async def say_bot_identity(turn: Turn, _: KnowledgeBase) -> Reply:
    """Say that this is a bot, and offer a person."""
    return _reply_say(turn, "bot_identity", turn.memory.offer_person())


async def make_small_talk(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "small_talk", turn.memory)


async def fetch_person(turn: Turn, _: KnowledgeBase) -> Reply:
    return reply_handoff(turn, "asked_for_person")


async def take_yes(turn: Turn, _: KnowledgeBase) -> Reply:
    """Take a "yes" as the answer to whatever the bot asked last."""
    kind = turn.memory.pending_kind
    if kind == "person":
        return reply_handoff(turn, "asked_for_person")
    if kind == "article":
        return _reply_helpful(turn)
    if kind == "options":
        return _reply_say(turn, "which_option", turn.memory)
    return _reply_say(turn, "what_can_i_do", turn.memory)


async def take_no(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Take a "no" as the answer to whatever the bot asked last."""
    kind = turn.memory.pending_kind
    if kind == "person":
        return _reply_say(turn, "no_person", turn.memory.forget_pending())
    if kind == "article":
        return await _reply_unhelpful(turn, knowledge_base)
    if kind == "options":
        return reply_unsure(turn, turn.memory.last_question or "", [], key="unsure_no_option")
    return _reply_say(turn, "what_can_i_do", turn.memory)


async def take_not_helpful(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Take "that did not help": the next article after an article, a person after the bot has given up."""
    kind = turn.memory.pending_kind
    if kind == "article":
        return await _reply_unhelpful(turn, knowledge_base)
    if kind == "options":
        return await take_no(turn, knowledge_base)
    if kind == "person":
        return reply_handoff(turn, "frustrated")
    if turn.memory.last_question is None:
        # Without any answer to complain about it is a problem told in few words: "still not working".
        return await answer_question(turn, knowledge_base)
    return reply_unsure(turn, turn.memory.last_question, [], key="unsure_after_articles")


async def calm(turn: Turn, _: KnowledgeBase) -> Reply:
    """Answer anger. It is about this chat once the bot has tried and failed, and then a person takes over."""
    if turn.memory.last_question or turn.memory.pending_kind == "person":
        return reply_handoff(turn, "frustrated")
    return _reply_say(turn, "sorry", turn.memory.offer_person())


def reply_handoff(turn: Turn, reason: str, *, detail: Optional[str] = None) -> Reply:
    """Ask for a person, and say so; with nobody at the desk the words promise no one."""
    key = f"handoff_{reason}" if turn.is_staffed else "handoff_unstaffed"
    handoff = build_handoff(reason, turn.choose_text(key), detail)
    return Reply((handoff,), turn.memory.forget_pending())


def reply_failed(turn: Turn, error: KnowledgeBaseUnreachable) -> Reply:
    """Ask for a person because the knowledge base does not answer."""
    logger.warning("knowledge_base_unreachable: %s", error)
    return reply_handoff(turn, "bot_failed", detail="knowledge_base_unreachable")


def _reply_helpful(turn: Turn) -> Reply:
    return _reply_say(turn, "glad", turn.memory.forget_pending(), build_feedback(helpful=True))


async def _reply_unhelpful(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    try:
        reply = await show_next_article(turn, knowledge_base)
    except KnowledgeBaseUnreachable as exc:
        # What the visitor thought of the article counts all the same.
        reply = reply_failed(turn, exc)
    return replace(reply, payloads=(build_feedback(helpful=False), *reply.payloads))


def _reply_say(turn: Turn, key: str, memory: Memory, *before: Payload) -> Reply:
    return Reply((*before, build_say(key, turn.choose_text(key))), memory)
