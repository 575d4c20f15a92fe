"""What the bot takes from a talk that a person had with the visitor in the meantime, before it goes on itself.

The handoff service has written that talk into Rasa's tracker: the visitor's words as user events of the intent
`said_to_operator`, the operator's as agent events.
"""

import re
from typing import Any, Dict, List, Optional, Sequence

from actions.memory import Memory
from actions.questions import MAX_TOPIC_CHARS, is_follow_up, is_question

SAID_TO_OPERATOR = "said_to_operator"
# The operator's last words stand in for the topic, should the visitor have asked nothing.
MIN_TOPIC_WORDS = 3
ARTICLE_LINK = re.compile(r"/help/[\w-]+/([\w-]+)")


def recall_person(events: Sequence[Dict[str, Any]], memory: Memory) -> Memory:
    """Return the memory of a bot that has listened: the topic they spoke of, and the articles not to show again."""
    talk = _select_talk(events)
    by_visitor = [text for name, text in talk if name == "user"]
    by_operator = [text for name, text in talk if name == "agent"]
    named = [slug for text in by_operator for slug in ARTICLE_LINK.findall(text)]
    return memory.return_from_person(_choose_topic(by_visitor, by_operator), named)


def _select_talk(events: Sequence[Dict[str, Any]]) -> List[tuple]:
    talk: List[tuple] = []
    for event in events:
        kind, text = event.get("event"), str(event.get("text") or "").strip()
        if kind == "slot" and event.get("name") == "handed_back" and event.get("value") is False:
            # An earlier talk, which the bot has taken up already.
            talk.clear()
        elif text and (kind == "agent" or (kind == "user" and _read_intent(event) == SAID_TO_OPERATOR)):
            talk.append((kind, text))
    return talk


def _read_intent(event: Dict[str, Any]) -> Optional[str]:
    return ((event.get("parse_data") or {}).get("intent") or {}).get("name")


def _choose_topic(by_visitor: Sequence[str], by_operator: Sequence[str]) -> Optional[str]:
    """Choose the visitor's last question that stands by itself, else anything they told, else the operator's words."""
    telling = [text for text in by_visitor if len(text.split()) >= MIN_TOPIC_WORDS and not is_follow_up(text)]
    asked = [text for text in telling if is_question(text)]
    for texts in (asked, telling, by_operator):
        if texts:
            return texts[-1][:MAX_TOPIC_CHARS]
    return None
