"""Replies to everything that is no question: small talk, yes and no, anger, and the wish for a person."""

from dataclasses import replace

from actions.article_replies import answer_question, reply_unsure, show_next_article
from actions.handover import reply_failed, reply_handoff
from actions.knowledge_base import KnowledgeBase, KnowledgeBaseUnreachable
from actions.memory import Memory
from actions.payloads import Payload, build_feedback, build_say
from actions.questions import is_follow_up
from actions.turn import FIELDS, Reply, Turn


async def greet(turn: Turn, _: KnowledgeBase) -> Reply:
    key = "greeting_again" if turn.memory.has_greeted else "greeting"
    return _reply_say(turn, key, replace(turn.memory, has_greeted=True))


async def thank(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "thanks", turn.memory.forget_pending())


async def note_solved(turn: Turn, _: KnowledgeBase) -> Reply:
    """Take "that worked" as a yes to "did this help?", if that is what was asked."""
    if turn.memory.pending_kind == "article":
        return _reply_helpful(turn)
    return _reply_say(turn, "glad", turn.memory.settle())


async def say_goodbye(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "goodbye", turn.memory.forget_pending())


async def say_bot_identity(turn: Turn, _: KnowledgeBase) -> Reply:
    """Say that this is a bot, and offer a person; in the form one is wanted already."""
    if turn.is_in_form:
        return _reply_say(turn, "bot_identity", turn.memory)
    return _reply_offer(turn, "bot_identity")


async def make_small_talk(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    if turn.memory.topic and is_follow_up(turn.text):
        # "And at night?" looks like small talk to whoever has not read what came before.
        return await answer_question(turn, knowledge_base)
    return _reply_say(turn, "small_talk", turn.memory)


async def thank_for_feedback(turn: Turn, _: KnowledgeBase) -> Reply:
    """Thank for praise and blame; the words are kept in the conversation's log, with how they were understood."""
    return _reply_say(turn, "feedback_thanks", turn.memory.forget_pending())


async def cancel(turn: Turn, _: KnowledgeBase) -> Reply:
    return _reply_say(turn, "cancelled", turn.memory.settle())


async def start_over(turn: Turn, _: KnowledgeBase) -> Reply:
    """Forget the questions, the articles shown and what the form found out."""
    memory = Memory(has_greeted=turn.memory.has_greeted)
    forgotten = dict.fromkeys((*FIELDS, "handoff_request"))
    return replace(_reply_say(turn, "started_over", memory), slots=forgotten)


async def fetch_person(turn: Turn, _: KnowledgeBase) -> Reply:
    return reply_handoff(turn, "asked_for_person")


async def fetch_account_holder(turn: Turn, _: KnowledgeBase) -> Reply:
    """Fetch somebody who sees the account; what the visitor asked is what they will need."""
    return reply_handoff(turn, "account_specific", slots={"what_happened": turn.text})


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
    if turn.memory.open_question is None:
        # Without any answer to complain about it is a problem told in few words: "still not working".
        return await answer_question(turn, knowledge_base)
    return reply_unsure(turn, turn.memory.open_question, [], key="unsure_after_articles")


async def calm(turn: Turn, _: KnowledgeBase) -> Reply:
    """Answer anger. It is about this chat once the bot has tried and failed, and then a person takes over."""
    if turn.memory.open_question or turn.memory.pending_kind == "person":
        return reply_handoff(turn, "frustrated")
    return _reply_offer(turn, "sorry")


async def stay_calm(turn: Turn, _: KnowledgeBase) -> Reply:
    """Answer abuse: no quarrel, no lesson, and a person if one is wanted."""
    return _reply_offer(turn, "abuse_again" if turn.memory.pending_kind == "person" else "abuse")


def _reply_helpful(turn: Turn) -> Reply:
    reply = _reply_say(turn, "glad", turn.memory.settle(), build_feedback(helpful=True))
    # A problem that is solved is nothing to tell a person about.
    return replace(reply, slots={"what_happened": None})


async def _reply_unhelpful(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    try:
        reply = await show_next_article(turn, knowledge_base)
    except KnowledgeBaseUnreachable as exc:
        # What the visitor thought of the article counts all the same.
        reply = reply_failed(turn, exc)
    return replace(reply, payloads=(build_feedback(helpful=False), *reply.payloads))


def _reply_offer(turn: Turn, key: str) -> Reply:
    say = build_say(key, turn.choose_offer(key), offers_person=True)
    return Reply((say,), turn.memory.offer_person())


def _reply_say(turn: Turn, key: str, memory: Memory, *before: Payload) -> Reply:
    return Reply((*before, build_say(key, turn.choose_text(key))), memory)
