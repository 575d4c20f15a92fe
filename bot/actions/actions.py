"""Binds each of Rasa's actions to a reply; form_actions.py does so for the form.

Every turn sends `understood` first, then what the reply says, then remembers. A knowledge base that fails in the
middle becomes a request for a person, and never an empty answer.
"""

import os
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Type

import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import article_replies, talk_replies
from actions.handover import reply_failed
from actions.knowledge_base import KnowledgeBase, KnowledgeBaseUnreachable, build_client
from actions.rasa_turn import FORM, read_rasa_turn, send_reply
from actions.turn import Reply, Turn

DEFAULT_URL = "http://127.0.0.1:8010"

ReplyMaker = Callable[[Turn, KnowledgeBase], Awaitable[Reply]]


# The actions of domain.yml, and what makes their replies.
REPLIES: Dict[str, ReplyMaker] = {
    "action_greet": talk_replies.greet,
    "action_thank": talk_replies.thank,
    "action_note_solved": talk_replies.note_solved,
    "action_say_goodbye": talk_replies.say_goodbye,
    "action_take_yes": talk_replies.take_yes,
    "action_take_no": talk_replies.take_no,
    "action_take_not_helpful": talk_replies.take_not_helpful,
    "action_calm": talk_replies.calm,
    "action_say_bot_identity": talk_replies.say_bot_identity,
    "action_make_small_talk": talk_replies.make_small_talk,
    "action_stay_calm": talk_replies.stay_calm,
    "action_thank_for_feedback": talk_replies.thank_for_feedback,
    "action_cancel": talk_replies.cancel,
    "action_start_over": talk_replies.start_over,
    "action_fetch_person": talk_replies.fetch_person,
    "action_fetch_account_holder": talk_replies.fetch_account_holder,
    "action_offer_contact": article_replies.offer_contact,
    "action_answer_question": article_replies.answer_question,
    "action_answer_problem": article_replies.answer_problem,
    "action_answer_out_of_scope": article_replies.answer_out_of_scope,
    "action_show_chosen_article": article_replies.show_chosen_article,
    "action_show_next_article": article_replies.show_next_article,
}


class TurnAction(Action, ABC):
    """One turn of the bot. rasa-sdk registers each subclass that is not abstract, see `ACTIONS` below."""

    make_reply: ReplyMaker

    @abstractmethod
    def name(self) -> str:
        """Return the action's name in domain.yml."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        turn = read_rasa_turn(tracker)
        reply = await self._reply(turn)
        events = send_reply(dispatcher, tracker, turn, reply)
        return [*events, FollowupAction(FORM)] if reply.starts_form else events

    async def _reply(self, turn: Turn) -> Reply:
        # A visitor who types "the second one" has chosen, whatever the classifier makes of such few words.
        make_reply = article_replies.show_typed_choice if turn.typed_choice else self.make_reply
        try:
            return await make_reply(turn, KnowledgeBase(_open_client()))
        except KnowledgeBaseUnreachable as exc:
            return reply_failed(turn, exc)


def build_action(name: str, make_reply: ReplyMaker) -> Type[TurnAction]:
    """Build the action class that rasa-sdk finds among the subclasses of `Action`."""
    return type(name, (TurnAction,), {"name": lambda self: name, "make_reply": staticmethod(make_reply)})


@lru_cache(maxsize=1)
def _open_client() -> httpx.AsyncClient:
    token_file = os.environ.get("BATON_KB_TOKEN_FILE")
    token = os.environ.get("BATON_KB_TOKEN", "")
    if token_file:
        token = Path(token_file).read_text(encoding="utf-8").strip()
    return build_client(os.environ.get("BATON_KB_URL", DEFAULT_URL), token)


# rasa-sdk finds classes that are alive: this list keeps them so.
ACTIONS = [build_action(name, make_reply) for name, make_reply in REPLIES.items()]
