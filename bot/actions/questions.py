"""Reads the form of a question, by cheap signs and without a model: whether it needs the one before it to make sense
("and on my phone?"), whether one message asks several things, whether it begins with a "no" to an article.

The words are those of the four languages of `texts/`.
"""

import re
from typing import List, Optional, Tuple

# A follow-up says at most this many things of its own: "and for business accounts?" says two.
MAX_OWN_WORDS = 2
MAX_FOLLOW_UP_WORDS = 9
# A question that stands by itself within a burst has at least so many words.
MIN_QUESTION_WORDS = 4
MAX_QUESTIONS = 3
# "I want to report a problem" has three words of its own, and tells nothing.
MIN_TELLING_WORDS = 4
# The knowledge base reads 2,000 characters; a topic needs far fewer to be found again.
MAX_TOPIC_CHARS = 400


def _words(text: str) -> Tuple[str, ...]:
    return tuple(re.findall(r"[\w’']+", text.casefold().replace("’", "'")))


# How a follow-up begins: it joins on to what was said.
OPENINGS = tuple(
    sorted(
        (
            _words(line)
            for line in """
            and|and what about|and what if|what about|how about|what if|but|but what about|or|or maybe|also|and also
            then|and then|ok and|okay and|ok but|even|same for|the same for|only|not|i mean|i meant|no i mean|no i meant
            for|in|on|with|without|from|at|to|by|via|using|after|before|during|if|when|as
            y|y si|y qué pasa|qué pasa con|pero|o|también|para|en|con|sin|desde|por|si|cuando|quiero decir
            et|et si|et pour|mais|ou|aussi|pour|sur|dans|avec|sans|depuis|par|si|quand|je veux dire
            und|und was ist|was ist mit|wie ist es mit|aber|oder|auch|für|auf|im|in|mit|ohne|von|bei|über|wenn|ich meine
            """.replace("\n", "|").split("|")
            if line.strip()
        ),
        key=len,
        reverse=True,
    )
)
# Words that point back: a short question with one of them is about what was said before.
POINTERS = frozenset(
    _words(
        "it its that this those these them they there one ones both either lo la eso esto esos allí ça cela ceux y "
        "das es dies diese dieser dort damit davon dafür"
    )
)
# Pointers of one language that are other words in the next: "das Paket" has a noun, "¿qué es el IVA?" a subject.
NO_POINTERS = re.compile(r"\b[Dd]as (?=[A-ZÄÖÜ])|\b[Ee]s (?=(?:\w+ )?(?:el|la|los|las|un|una)\b)")
QUESTION_WORDS = frozenset(
    _words(
        "how what why when where who which whose can could do does did is are was were will would should may am have "
        "has cómo como qué que cuándo cuando dónde donde quién cuál cuánto cuánta cuántos puedo puede hay es son "
        "comment quoi pourquoi quand où qui quel quelle combien puis peut est sont faut avez "
        "wie was warum wann wo wer welche welcher welches wieviel kann können ist sind gibt muss darf wird woher wohin"
    )
)
# They say nothing of their own.
EMPTY_WORDS = (
    frozenset(
        _words(
            "a an the my our your his her their me i you we us to of for in on at with by from and or but if about "
            "into as be been being get got so just too also then please thanks thank ok okay yes no not same work "
            "works mean meant el la los las un una mi mis su sus de del al en con por para y o si se me yo lo por "
            "favor le la les un une des mon ma mes votre vos de du au aux en avec pour et ou si se je tu vous il elle "
            "der die das den dem ein eine einen einem mein meine meinem meinen ihr ihre und oder auch ich sie mir "
            "mich zu bei für auf im am mit von bitte man"
        )
    )
    | QUESTION_WORDS
    | POINTERS
)
# What may stand between two questions of one sentence; "and have it repaired" is no second one.
JOINTS = re.compile(r",?\s+(?:and|und|et|y)\s+(?=(\w+))", re.IGNORECASE)
UNJOINED_WORDS = frozenset(_words("have has am avez hay muss"))
REFUSALS = frozenset(_words("no nope nah nein nö non"))


def complete_question(text: str, topic: Optional[str]) -> Optional[str]:
    """Join a follow-up to the question that it goes on from; None if `text` stands by itself."""
    if not topic or not is_follow_up(text):
        return None
    return f"{topic[:MAX_TOPIC_CHARS].rstrip(' ?!.')} {' '.join(text.split())}"


def is_follow_up(text: str) -> bool:
    """Whether a text makes sense only after another question: "what about the app?", "how long does that take?"."""
    words = _words(text)
    if not words or len(words) > MAX_FOLLOW_UP_WORDS:
        return False
    own = [word for word in words if word not in EMPTY_WORDS]
    if not own or len(own) > MAX_OWN_WORDS:
        return False
    if is_question(text) and POINTERS.intersection(_words(NO_POINTERS.sub("", text))):
        return True
    if _asks_when(words):
        return False
    rest = _drop_openings(words)
    # "And how do I delete my account?" is joined on, but whole.
    is_whole = bool(rest) and rest[0] in QUESTION_WORDS and len(own) == MAX_OWN_WORDS
    return len(rest) < len(words) and not is_whole


def is_question(text: str) -> bool:
    """Whether a text has the form of a question; it need not be one that the help articles answer."""
    words = _words(text)
    return bool(words) and (text.rstrip().endswith("?") or (len(words) > 2 and words[0] in QUESTION_WORDS))


def is_telling(text: str) -> bool:
    """Whether a text tells what happened, rather than to ask something or to say that there is something to tell."""
    own = [word for word in _words(text) if word not in EMPTY_WORDS]
    return not is_question(text) and len(own) >= MIN_TELLING_WORDS


def split_questions(text: str) -> List[str]:
    """Part a message into the questions that it asks, at most three; [text] unless each stands by itself."""
    parts = [part.strip() for part in re.split(r"\n+|(?<=\?)\s+", text) if part.strip()]
    parts = [question for part in parts for question in _split_joined(part)]
    asked: List[str] = []
    for part in parts:
        if _is_whole(part):
            asked.append(part)
        elif any(word not in EMPTY_WORDS for word in _words(part)) and len(_words(part)) >= MIN_QUESTION_WORDS:
            # Something is told between the questions: only together do they make sense.
            return [text]
    return asked if 2 <= len(asked) <= MAX_QUESTIONS else [text]


def _split_joined(sentence: str) -> List[str]:
    """Part "how do I pay and where is my bill": only where both ask for something, and neither points to the other."""
    for joint in JOINTS.finditer(sentence):
        first, second = sentence[: joint.start()], sentence[joint.end() :]
        word = joint.group(1).casefold()
        is_joined = word in QUESTION_WORDS and word not in UNJOINED_WORDS
        if is_joined and all(_is_whole(part) and not POINTERS.intersection(_words(part)) for part in (first, second)):
            return [first, *_split_joined(second)]
    return [sentence]


def _is_whole(part: str) -> bool:
    words = _words(part)
    says_something = any(word not in EMPTY_WORDS for word in words)
    return is_question(part) and says_something and len(words) >= MIN_QUESTION_WORDS and not is_follow_up(part)


def strip_refusal(text: str) -> Optional[str]:
    """Return what follows a leading "no", if it is more than a few words; None if the text does not begin with one."""
    found = re.match(r"\s*(\w+)\s*[,.!;:\n]+\s*(.+)", text, re.DOTALL)
    if found is None or found.group(1).casefold() not in REFUSALS:
        return None
    rest = found.group(2).strip()
    return rest if any(word not in EMPTY_WORDS for word in _words(rest)) and len(_words(rest)) > 3 else None


def _asks_when(words: Tuple[str, ...]) -> bool:
    """Whether "when" asks for a time ("when do you open?") rather than to join on ("when abroad?")."""
    has_verb_first = words[1:2] and words[1] in QUESTION_WORDS
    is_turned_round = words[2:3] and words[2] in ("je", "tu", "il", "on", "vous")
    return words[0] in ("when", "quand") and bool(has_verb_first or is_turned_round)


def _drop_openings(words: Tuple[str, ...]) -> Tuple[str, ...]:
    """Return what is left after "and", "but what if" and their like."""
    opening = next((opening for opening in OPENINGS if words[: len(opening)] == opening), None)
    return words if opening is None else _drop_openings(words[len(opening) :])
