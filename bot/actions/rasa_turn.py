"""Reads a turn from rasa-sdk's tracker and sends a reply through its dispatcher: what all actions share."""

from typing import Any, Dict, List, Optional

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.hand_back import recall_person
from actions.memory import read_memory, write_memory
from actions.turn import Reply, Turn, read_details, read_turn

FORM = "handoff_form"
# Of the person's matter nothing is left to collect; the e-mail address stays known.
AFTER_HAND_BACK = {"handed_back": False, "what_happened": None, "since_when": None, "handoff_request": None}


def read_rasa_turn(tracker: Tracker) -> Turn:
    """Read the turn that the visitor's last message began."""
    memory, slots = read_memory(tracker.slots), dict(tracker.slots)
    if slots.get("handed_back"):
        memory = recall_person(tracker.events, memory)
        slots.update(AFTER_HAND_BACK)
    is_in_form = tracker.active_loop_name == FORM and not tracker.slots.get("handed_back")
    return read_turn(tracker.latest_message, memory, slots=slots, is_in_form=is_in_form)


def send_reply(dispatcher: CollectingDispatcher, tracker: Tracker, turn: Turn, reply: Reply) -> List[EventType]:
    """Send how the message was read, then the reply; return what Rasa shall remember."""
    changes: Dict[str, Any] = AFTER_HAND_BACK if tracker.slots.get("handed_back") else {}
    changes = {**changes, **write_memory(reply.memory), **reply.slots}
    dispatcher.utter_message(json_message=turn.build_understood(read_details({**tracker.slots, **changes})))
    for payload in reply.payloads:
        dispatcher.utter_message(json_message=payload)
    return [SlotSet(name, value) for name, value in changes.items()]


def find_done_actions(tracker: Tracker) -> List[Optional[str]]:
    """Return the actions that have replied to the visitor's last message already, oldest first."""
    names: List[Optional[str]] = []
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            break
        if event.get("event") == "action":
            names.append(event.get("name"))
    return [name for name in reversed(names) if name not in (FORM, "action_extract_slots", "action_listen")]
