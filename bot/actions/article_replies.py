"""Replies that come from the knowledge base: an article, a choice of articles, or the honest "I could not find it"."""

from dataclasses import replace
from typing import Sequence

from actions.knowledge_base import MAX_RESULTS, Findings, KnowledgeBase
from actions.memory import Memory, Option, is_same_question
from actions.payloads import MAX_OPTIONS, Payload, build_answer, build_clarify, build_unsure
from actions.turn import Reply, Turn


async def answer_question(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer what the visitor wrote with an article, a choice of articles, or "I could not find it"."""
    return await _answer(turn, knowledge_base, unsure_key="unsure")


async def offer_contact(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer "what is your phone number?" like any question, but without an article offer a person in this chat."""
    return await _answer(turn, knowledge_base, unsure_key="unsure_contact")


async def show_chosen_article(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Show the article whose button the visitor pressed: `/choose_article{"slug": .., "language": ..}`."""
    slug = turn.entities.get("slug", "")
    language = turn.entities.get("language") or turn.language or "en"
    if not slug:
        return reply_unsure(turn, turn.memory.last_question or "", [])
    return await show_article(turn, knowledge_base, slug=slug, language=language)


async def show_typed_choice(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Show the article that the visitor named in words: "the second one"."""
    chosen = turn.typed_choice
    return await show_article(turn, knowledge_base, slug=chosen.slug, language=chosen.language)


async def show_article(turn: Turn, knowledge_base: KnowledgeBase, *, slug: str, language: str) -> Reply:
    """Show one named article, with the passage that fits the last question best."""
    question = turn.memory.last_question or ""
    findings = Findings("unsure")
    if question:
        findings = await knowledge_base.search(question, language, limit=MAX_RESULTS, is_logged=False)
    for result in findings.results:
        if result["slug"] == slug:
            return _reply_article(turn, question, result, "answer_chosen")
    article = await knowledge_base.read_article(language, slug)
    if article is None:
        return reply_unsure(turn, question, findings.results)
    return _reply_article(turn, question, article, "answer_chosen")


async def show_next_article(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Show the next best article for the last question, or say that there is none."""
    question = turn.memory.last_question
    if not question:
        return reply_unsure(turn, "", [])
    findings = await _search_unseen(turn, knowledge_base, question)
    if findings.verdict != "unsure" and findings.results:
        return _reply_article(turn, question, findings.results[0], "answer_next")
    return reply_unsure(turn, question, findings.results, key="unsure_after_articles")


def reply_unsure(turn: Turn, question: str, results: Sequence[Payload], *, key: str = "unsure") -> Reply:
    """Say that nothing was found, and offer a person: a "yes" afterwards fetches one."""
    memory = turn.memory.ask_question(question) if question else turn.memory
    return Reply((build_unsure(question, turn.choose_text(key), results),), memory.offer_person())


async def _answer(turn: Turn, knowledge_base: KnowledgeBase, *, unsure_key: str) -> Reply:
    findings = await knowledge_base.search(turn.text, turn.language)
    if findings.verdict == "answer" and findings.results:
        if _was_just_shown(turn.memory, turn.text, findings.results[0]):
            return await _answer_differently(turn, knowledge_base)
        return _reply_article(turn, turn.text, findings.results[0], "answer")
    if findings.verdict == "clarify" and len(findings.results) > 1 and not _were_just_offered(turn):
        return _reply_options(turn, findings.results)
    return reply_unsure(turn, turn.text, findings.results, key=unsure_key)


async def _answer_differently(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    findings = await _search_unseen(turn, knowledge_base, turn.text)
    memory = replace(turn.memory, last_question=turn.text)
    if findings.verdict != "unsure" and findings.results:
        return _reply_article(replace(turn, memory=memory), turn.text, findings.results[0], "answer_next")
    return reply_unsure(replace(turn, memory=memory), turn.text, findings.results, key="unsure_repeated")


async def _search_unseen(turn: Turn, knowledge_base: KnowledgeBase, question: str) -> Findings:
    shown = turn.memory.shown
    found = await knowledge_base.search(question, turn.language, exclude=shown, is_logged=False)
    # The knowledge base leaves them out; should it ever not, no article comes back that was refused.
    return Findings(found.verdict, [result for result in found.results if result["slug"] not in shown])


def _was_just_shown(memory: Memory, question: str, best: Payload) -> bool:
    """Whether `best` would repeat the last answer: the same article for the same words or with the same passage."""
    if best["slug"] not in memory.shown:
        return False
    if is_same_question(question, memory.last_question):
        return True
    return best["slug"] == memory.shown[-1] and best["passage"]["id"] == memory.last_passage


def _were_just_offered(turn: Turn) -> bool:
    is_pending = turn.memory.pending_kind == "options"
    return is_pending and is_same_question(turn.text, turn.memory.last_question)


def _reply_article(turn: Turn, question: str, result: Payload, key: str) -> Reply:
    memory = turn.memory.ask_question(question) if question else turn.memory
    return Reply(
        (build_answer(question, turn.choose_text(key), result),),
        memory.show_article(result["slug"], result["passage"]["id"]),
    )


def _reply_options(turn: Turn, results: Sequence[Payload]) -> Reply:
    offered = results[:MAX_OPTIONS]
    options = tuple(Option(r["slug"], r["language"], r["title"]) for r in offered)
    return Reply(
        (build_clarify(turn.text, turn.choose_text("clarify"), offered),),
        turn.memory.ask_question(turn.text).offer_options(options),
    )
