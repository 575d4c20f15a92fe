"""Binds the form before a hand-over to Rasa: what domain.yml calls `handoff_form`.

`validate_handoff_form` reads each reply and says which slot is asked for next, `action_ask_...` asks, and
`action_submit_handoff_form` hands over, or says that nothing is passed on.
"""

from typing import Any, Dict, List, Optional, Text, Type

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecutionRejected, ActiveLoop, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT, FormValidationAction

from actions.form import MAX_ASKS, Kind, Step, choose_missing, read_step
from actions.handover import build_message, build_question
from actions.payloads import build_say
from actions.rasa_turn import FORM, find_done_actions, read_rasa_turn, send_reply
from actions.turn import FIELDS, Reply, Turn


class ValidateHandoffForm(FormValidationAction):
    """Reads the visitor's reply, fills or skips the slot, and chooses the next one."""

    def name(self) -> Text:
        return f"validate_{FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        turn = read_rasa_turn(tracker)
        wanted = tracker.slots.get(REQUESTED_SLOT)
        if find_done_actions(tracker) or wanted not in FIELDS:
            # Another action has replied to this message: the form only begins, or goes on after an aside.
            return [_request(choose_next(turn, tracker.slots))]
        if tracker.slots.get("handed_back"):
            return _leave()
        step = read_step(turn, wanted)
        if step.kind is Kind.LEFT:
            return _leave()
        if step.kind is Kind.ASIDE:
            return [*_give_up(tracker, wanted), ActionExecutionRejected(FORM)]
        return self._take(dispatcher, tracker, turn, step, wanted)

    def _take(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, turn: Turn, step: Step, wanted: str
    ) -> List[EventType]:
        changes: Dict[str, Any] = dict(step.details)
        if step.kind is Kind.ASK_AGAIN and _count_asks(tracker, wanted) >= MAX_ASKS:
            changes[wanted] = ""
        if step.kind is Kind.CANCELLED:
            changes["handoff_request"] = None
        events = send_reply(dispatcher, tracker, turn, Reply((), turn.memory, changes))
        slots = {**tracker.slots, **changes}
        is_over = step.kind in (Kind.ENOUGH, Kind.CANCELLED)
        return [*events, _request(None if is_over else choose_next(turn, slots))]


class SubmitHandoffForm(Action):
    """Hands over with what the form found out; a cancelled form has no request left, and passes nothing on."""

    def name(self) -> Text:
        return f"action_submit_{FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        turn = read_rasa_turn(tracker)
        request = tracker.slots.get("handoff_request")
        if request:
            dispatcher.utter_message(json_message=build_message(turn, request["reason"]))
        else:
            dispatcher.utter_message(json_message=build_say("form_cancelled", turn.choose_text("form_cancelled")))
        # A skipped question may be asked again, should the visitor ever come back to the form.
        skipped = [name for name in FIELDS if tracker.slots.get(name) == ""]
        return [SlotSet("handoff_request", None), *(SlotSet(name, None) for name in skipped)]


def choose_next(turn: Turn, slots: Dict[str, Any]) -> Optional[str]:
    """Return the field to ask for next; none when somebody is free by now. A known e-mail address is not asked for."""
    if turn.is_person_free:
        return None
    asked = (slots.get("handoff_request") or {}).get("asked", {})
    fields = [name for name in FIELDS if not (name == "email" and turn.has_email)]
    return choose_missing(slots, asked, fields)


def build_ask_action(field: str) -> Type[Action]:
    """Build the action that Rasa's form runs to ask for a slot: `action_ask_handoff_form_<slot>`."""

    async def run(
        self: Action, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        asks = _count_asks(tracker, field)
        question = build_question(read_rasa_turn(tracker), field, is_again=asks > 0)
        dispatcher.utter_message(json_message=question)
        request = tracker.slots.get("handoff_request") or {}
        return [SlotSet("handoff_request", {**request, "asked": {**request.get("asked", {}), field: asks + 1}})]

    return type(f"Ask_{field}", (Action,), {"name": lambda self: f"action_ask_{FORM}_{field}", "run": run})


def _count_asks(tracker: Tracker, field: str) -> int:
    return ((tracker.slots.get("handoff_request") or {}).get("asked") or {}).get(field, 0)


def _give_up(tracker: Tracker, wanted: str) -> List[EventType]:
    return [SlotSet(wanted, "")] if _count_asks(tracker, wanted) >= MAX_ASKS else []


def _leave() -> List[EventType]:
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), ActionExecutionRejected(FORM)]


def _request(field: Optional[str]) -> EventType:
    return SlotSet(REQUESTED_SLOT, field)


# rasa-sdk finds classes that are alive: this list keeps them so.
ASK_ACTIONS = [build_ask_action(field) for field in FIELDS]
