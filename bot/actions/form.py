"""Reads what a visitor says to a question of the form: an answer, a skip, the end of the form, or something else.

Pure. Intents help, but a classifier knows little of "since Tuesday" or "n/a"; so the words decide wherever they can.
The words are those of the four languages of `texts/`, and whatever the texts call the skip button.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, Iterable, Optional

from actions.questions import is_question
from actions.turn import MAX_DETAIL_CHARS, Turn

# A second ask is help; a third is a bore.
MAX_ASKS = 2
# An intent overrules the words only when the classifier is sure of it.
SURE = 0.6
# So many words to the wish for a person say something that this person will want to know.
MIN_TELLING_WORDS = 5

EMAIL = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+\.[^\s@<>(),;:\"]*[^\W\d_]")

SKIPS = re.compile(
    r"(no|nope|nah|none|nothing|nothing else|skip|skip (it|this|that)|pass|next|n a|na|no thanks|no thank you|not now"
    r"|(i d |id |i would )?(rather|prefer) not( to)?( say| tell you| give it| answer)?"
    r"|i (don t|dont) want to( say| tell you)?"
    r"|(i )?(don t|dont|do not) know|no idea|not sure|(i )?(can t|cant) remember|that s all|thats all"
    r"|(i )?(don t|dont) have (one|any)|none of your business|mind your own business"
    r"|saltar|omitir|omítelo|nada|nada más|no gracias|no sé|no lo sé|prefiero no decirlo|ninguno"
    r"|passer|passe|rien|rien d autre|non|non merci|je ne sais pas|je préfère ne pas( le)?( dire)?|aucune?"
    r"|überspringen|weiter|nichts|nichts weiter|nein|nein danke|weiß nicht|ich weiß (es )?nicht|keine ahnung"
    r"|lieber nicht|keine)"
)
CANCELS = re.compile(
    r"(cancel|cancel (it|this|that|everything|the whole thing)|stop|stop (it|this|asking)|forget (it|about it)"
    r"|(oh )?never ?mind|leave it|drop it|quit|abort|no more questions|i changed my mind"
    r"|cancelar|cancela|cancélalo|olvídalo|déjalo|annuler|annulez|laisse tomber|laissez tomber|oubliez"
    r"|abbrechen|abbruch|vergiss es|vergessen sie es|lass es|lassen sie es)( please| por favor| bitte| thanks)?"
)


YES = re.compile(
    r"(yes|yeah|yep|yup|ok|okay|sure|sí|si|oui|ja|d accord|vale|gut|claro)( please| por favor| bitte| ok)?"
)


class Kind(Enum):
    ANSWERED = "answered"
    ASK_AGAIN = "ask again"
    # Rasa's unhappy path: the rule of this intent replies, then the form asks again.
    ASIDE = "aside"
    # The form ends at once, with what it knows: whoever wants a person, or has had enough, is asked nothing more.
    ENOUGH = "enough"
    CANCELLED = "cancelled"
    # The conversation went elsewhere: the form ends without a word, and the rules take the message.
    LEFT = "left"


@dataclass(frozen=True)
class Step:
    """How a message was read; `details` are slots to fill, with the empty text for a skipped one."""

    kind: Kind
    details: Dict[str, str] = field(default_factory=dict)


ASIDES = ("are_you_a_bot", "choose_article", "next_article")
# These are asides, too, if they begin so.
POLITE = {
    "greeting": ("hello", "hi", "hey", "good", "hola", "buen", "bonjour", "salut", "hallo", "guten"),
    "thanks": ("thank", "thx", "cheers", "gracias", "merci", "danke", "vielen dank"),
}
ENDINGS = ("ask_for_person", "goodbye", "frustration", "abuse", "not_helpful")
# What is asked in the middle of the form has one of these intents, if it has the form of a question.
QUESTIONS = ("question", "nlu_fallback", "ask_for_contact", "report_problem", "account_specific", "out_of_scope")


def read_step(turn: Turn, wanted: str) -> Step:
    """Read the visitor's message as the reply to the question for the field `wanted`."""
    said = _normalise(turn.text)
    intent = turn.intent if turn.confidence >= SURE else ""
    is_short = len(said.split()) < MIN_TELLING_WORDS
    if _is_skip(turn, said):
        return Step(Kind.ANSWERED, _fill(turn, wanted, ""))
    if CANCELS.fullmatch(said) or (intent == "cancel" and wanted != "since_when" and is_short):
        return Step(Kind.CANCELLED)
    if intent == "start_over" and is_short:
        return Step(Kind.LEFT)
    email = EMAIL.search(turn.text)
    if email and wanted == "email":
        return Step(Kind.ANSWERED, {"email": email.group()[: MAX_DETAIL_CHARS["email"]]})
    if intent in ENDINGS:
        is_telling = wanted == "what_happened" and not is_short
        return Step(Kind.ENOUGH, _fill(turn, wanted, turn.text) if is_telling else {})
    if _is_aside(turn, intent, wanted):
        return Step(Kind.ASIDE)
    if YES.fullmatch(said):
        # "Yes" to "I will pass on your question. What else?" is as good as "nothing else".
        has_question = wanted == "what_happened" and turn.memory.open_question
        return Step(Kind.ANSWERED, _fill(turn, wanted, "")) if has_question else Step(Kind.ASK_AGAIN)
    if wanted == "email" or not said:
        return Step(Kind.ASK_AGAIN)
    found = {"email": email.group()} if email else {}
    return Step(Kind.ANSWERED, {**_fill(turn, wanted, turn.text), **found})


def choose_missing(slots: Dict[str, object], asked: Dict[str, int], fields: Iterable[str]) -> Optional[str]:
    """Return the next field to ask for: the first that is neither filled nor skipped nor asked for twice."""
    return next((name for name in fields if slots.get(name) is None and asked.get(name, 0) < MAX_ASKS), None)


def _fill(turn: Turn, wanted: str, text: str) -> Dict[str, str]:
    # The question that was quoted to the visitor goes along with what they add to it, or without.
    begun = turn.memory.open_question if wanted == "what_happened" else None
    whole = "\n".join(part for part in (begun, text) if part)
    return {wanted: whole[: MAX_DETAIL_CHARS[wanted]]}


def _is_skip(turn: Turn, said: str) -> bool:
    is_button = said == _normalise(turn.choose_text("skip"))
    return is_button or SKIPS.fullmatch(re.sub(r" (please|por favor|bitte|s il vous plaît)$", "", said)) is not None


def _is_aside(turn: Turn, intent: str, wanted: str) -> bool:
    if intent in POLITE:
        # "This morning" is no greeting, whatever the classifier says.
        return turn.text.casefold().startswith(POLITE[intent])
    if intent in ASIDES:
        return True
    # Whatever is told or asked as "what happened" is what happened.
    return wanted != "what_happened" and turn.intent in QUESTIONS and is_question(turn.text)


def _normalise(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
