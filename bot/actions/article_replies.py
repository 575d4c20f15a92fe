"""Replies that come from the knowledge base: an article, a choice of articles, or the honest "I could not find it"."""

from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

from actions.knowledge_base import MAX_RESULTS, Findings, KnowledgeBase
from actions.memory import Memory, Option, is_same_question, name_answer
from actions.payloads import MAX_OPTIONS, Payload, build_answer, build_clarify, build_feedback, build_say, build_unsure
from actions.questions import complete_question, is_follow_up, is_telling, split_questions, strip_refusal
from actions.turn import Reply, Turn


async def answer_question(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer what the visitor wrote with an article, a choice of articles, or "I could not find it"."""
    if turn.is_in_form:
        return await _answer_aside(turn, knowledge_base)
    instead = strip_refusal(turn.text) if turn.memory.pending_kind == "article" else None
    if instead:
        # "No, I meant the yearly plan": an answer to "did this help?" and a question.
        refused = replace(turn, text=instead, memory=turn.memory.refuse_article())
        reply = await _answer(refused, knowledge_base, instead)
        return replace(reply, payloads=(build_feedback(helpful=False), *reply.payloads))
    questions = split_questions(turn.text)
    if len(questions) > 1:
        return await _answer_each(turn, knowledge_base, questions)
    return _keep_told(turn, await _answer(turn, knowledge_base, turn.text))


async def offer_contact(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer "what is your phone number?" like any question, but without an article offer a person in this chat."""
    if turn.is_in_form:
        return await _answer_aside(turn, knowledge_base)
    return await _answer(turn, knowledge_base, turn.text, unsure_key="unsure_contact")


async def answer_problem(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer what is told as a problem; without an article offer a person, who will know what happened."""
    return _keep_told(turn, await _answer(turn, knowledge_base, turn.text, unsure_key="unsure_problem"))


async def answer_out_of_scope(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Say what this bot is for, unless the knowledge base answers surely after all."""
    if turn.memory.topic and is_follow_up(turn.text):
        return await answer_question(turn, knowledge_base)
    findings = await _search(turn, knowledge_base, turn.text, is_logged=False)
    if findings.verdict == "answer" and findings.results:
        return await answer_question(turn, knowledge_base)
    if turn.is_in_form:
        return _reply_noted(turn)
    say = build_say("out_of_scope", turn.choose_offer("out_of_scope"), offers_person=True)
    return Reply((say,), turn.memory.offer_person())


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
    """Take a "no" to the article: show the next best one, once for each question; then say that there is none."""
    question = turn.memory.last_question
    if not question:
        return reply_unsure(turn, "", [])
    turn = replace(turn, memory=turn.memory.refuse_article())
    if turn.memory.refusals > 1:
        return reply_unsure(turn, question, [], key="unsure_after_articles")
    findings = await _search_unseen(turn, knowledge_base, question)
    if findings.verdict != "unsure" and findings.results:
        return _reply_article(turn, question, findings.results[0], "answer_next")
    return reply_unsure(turn, question, findings.results, key="unsure_after_articles")


def reply_unsure(turn: Turn, question: str, results: Sequence[Payload], *, key: str = "unsure") -> Reply:
    """Say that nothing was found, and offer a person: a "yes" afterwards fetches one."""
    return Reply((build_unsure(question, turn.choose_offer(key), results),), turn.memory.offer_person())


async def _answer(turn: Turn, knowledge_base: KnowledgeBase, text: str, *, unsure_key: str = "unsure") -> Reply:
    whole = complete_question(text, turn.memory.topic)
    if whole:
        memory = turn.memory.ask_follow_up(whole)
        findings = await _search(turn, knowledge_base, whole)
        if findings.verdict != "unsure":
            return await _reply_findings(turn, knowledge_base, whole, findings, memory, unsure_key)
    findings = await _search(turn, knowledge_base, text, is_logged=not whole)
    if whole and findings.verdict == "unsure":
        # Neither way: it remains a follow-up, so that the next one still has its topic.
        return reply_unsure(replace(turn, memory=memory), whole, findings.results, key=unsure_key)
    return await _reply_findings(turn, knowledge_base, text, findings, turn.memory.ask_question(text), unsure_key)


def _keep_told(turn: Turn, reply: Reply) -> Reply:
    """Keep what was told rather than asked, and has no answer: whoever takes over will need it."""
    is_unanswered = reply.payloads[-1]["type"] == "unsure"
    return replace(reply, slots={"what_happened": turn.text}) if is_unanswered and is_telling(turn.text) else reply


async def _reply_findings(
    turn: Turn, knowledge_base: KnowledgeBase, question: str, findings: Findings, memory: Memory, unsure_key: str
) -> Reply:
    """Reply with what was found; `memory` is the one after the question was asked, `turn` has the one before."""
    asked = replace(turn, memory=memory)
    if findings.verdict == "answer" and findings.results:
        if _would_repeat(turn.memory, question, findings.results[0]):
            # What was shown for the question before stays shown: it is what must not come again.
            kept = replace(memory, shown=turn.memory.shown, last_passage=turn.memory.last_passage)
            return await _answer_differently(replace(turn, memory=kept), knowledge_base, question)
        return _reply_article(asked, question, findings.results[0], "answer")
    if findings.verdict == "clarify" and len(findings.results) > 1 and not _were_just_offered(turn, question):
        return _reply_options(asked, question, findings.results)
    return reply_unsure(asked, question, findings.results, key=unsure_key)


async def _answer_differently(turn: Turn, knowledge_base: KnowledgeBase, question: str) -> Reply:
    findings = await _search_unseen(turn, knowledge_base, question)
    if findings.verdict != "unsure" and findings.results:
        return _reply_article(turn, question, findings.results[0], "answer_next")
    return reply_unsure(turn, question, findings.results, key="unsure_repeated")


async def _answer_each(turn: Turn, knowledge_base: KnowledgeBase, questions: Sequence[str]) -> Reply:
    """Answer several questions of one message: what was found first, then one choice or one "I could not find it"."""
    memory = turn.memory
    payloads: List[Payload] = []
    rest: Optional[Tuple[str, Findings]] = None
    for question in questions:
        asked = replace(turn, memory=memory.ask_question(question))
        findings = await _search(asked, knowledge_base, question)
        if findings.verdict != "answer" or not findings.results:
            rest = rest or (question, findings)
        elif not _would_repeat(memory, question, findings.results[0]):
            reply = _reply_article(asked, question, findings.results[0], "answer")
            payloads, memory = [*payloads, *reply.payloads], reply.memory
    if rest is None:
        return Reply(tuple(payloads), memory) if payloads else await _answer(turn, knowledge_base, questions[-1])
    question, findings = rest
    last = replace(turn, memory=memory)
    reply = await _reply_findings(last, knowledge_base, question, findings, memory.ask_question(question), "unsure")
    return replace(reply, payloads=(*payloads, *reply.payloads))


async def _answer_aside(turn: Turn, knowledge_base: KnowledgeBase) -> Reply:
    """Answer a question in the middle of the form, if there is an article; else it goes along with the message."""
    findings = await _search(turn, knowledge_base, turn.text)
    if findings.verdict == "answer" and findings.results:
        asked = replace(turn, memory=turn.memory.ask_question(turn.text))
        if not _would_repeat(turn.memory, turn.text, findings.results[0]):
            return _reply_article(asked, turn.text, findings.results[0], "answer")
    return _reply_noted(turn)


def _reply_noted(turn: Turn) -> Reply:
    told = "\n".join(text for text in (turn.details.get("what_happened"), turn.text) if text)
    say = build_say("form_no_answer", turn.choose_text("form_no_answer"))
    return Reply((say,), turn.memory, slots={"what_happened": told})


async def _search(turn: Turn, knowledge_base: KnowledgeBase, question: str, *, is_logged: bool = True) -> Findings:
    return await knowledge_base.search(question, turn.language, exclude=turn.memory.barred, is_logged=is_logged)


async def _search_unseen(turn: Turn, knowledge_base: KnowledgeBase, question: str) -> Findings:
    unwanted = turn.memory.unwanted
    found = await knowledge_base.search(question, turn.language, exclude=unwanted, is_logged=False)
    # The knowledge base leaves them out; should it ever not, no article comes back that was refused.
    return Findings(found.verdict, [result for result in found.results if result["slug"] not in unwanted])


def _would_repeat(memory: Memory, question: str, best: Payload) -> bool:
    """Whether `best` was refused, or would repeat the last answer: for the same words, or with the same passage."""
    slug, passage = best["slug"], best["passage"]["id"]
    if name_answer(slug, passage) in memory.refused:
        return True
    if slug not in memory.shown:
        return False
    if is_same_question(question, memory.last_question):
        return True
    return slug == memory.shown[-1] and passage == memory.last_passage


def _were_just_offered(turn: Turn, question: str) -> bool:
    is_pending = turn.memory.pending_kind == "options"
    return is_pending and is_same_question(question, turn.memory.last_question)


def _reply_article(turn: Turn, question: str, result: Payload, key: str) -> Reply:
    return Reply(
        (build_answer(question, turn.choose_text(key), result),),
        turn.memory.show_article(result["slug"], result["passage"]["id"]),
    )


def _reply_options(turn: Turn, question: str, results: Sequence[Payload]) -> Reply:
    offered = results[:MAX_OPTIONS]
    options = tuple(Option(r["slug"], r["language"], r["title"]) for r in offered)
    return Reply(
        (build_clarify(question, turn.choose_text("clarify"), offered),),
        turn.memory.offer_options(options),
    )
