"""Reads which of the offered articles a visitor means who types instead of pressing a button."""

import re
from typing import Optional, Sequence

from actions.memory import Option

# What people type for the first, second, third and last of a short list, in the languages of `texts/`.
ORDINALS = (
    ("1", "one", "first", "1st", "a", "uno", "primero", "primera", "premier", "première", "un", "eins", "erste"),
    ("2", "two", "second", "2nd", "b", "dos", "segundo", "segunda", "deuxième", "deux", "zwei", "zweite"),
    ("3", "three", "third", "3rd", "c", "tres", "tercero", "tercera", "troisième", "trois", "drei", "dritte"),
)
LAST = ("last", "último", "última", "dernier", "dernière", "letzte")
FILLERS = frozenset(
    re.findall(
        r"\S+",
        """
        the option number no nr one please pls i mean meant take ok yes it's its is and that answer article link
        choose pick want la el le los opción número por favor sí s'il vous plaît svp oui die der das den nummer bitte ja
        """,
    )
)


def decide_choice(text: str, options: Sequence[Option]) -> Optional[Option]:
    """Return the option that `text` names by its place ("the second one") or by its title, else None."""
    by_title = _find_title(text, options) or _find_part(text, options)
    if by_title:
        return by_title
    words = re.findall(r"[\w']+", text.casefold())
    places = {place for word in words for place in [_read_place(word, len(options))] if place is not None}
    strangers = [w for w in words if w not in FILLERS and _read_place(w, len(options)) is None]
    # "one" is a place in "one, please", but a filler in "the second one".
    if len(places) == 2 and 0 in places and "one" in words:
        places.discard(0)
    if len(places) != 1 or strangers:
        return None
    return options[places.pop()]


def _find_title(text: str, options: Sequence[Option]) -> Optional[Option]:
    wanted = " ".join(re.findall(r"\w+", text.casefold()))
    for option in options:
        if wanted and wanted == " ".join(re.findall(r"\w+", option.title.casefold())):
            return option
    return None


def _find_part(text: str, options: Sequence[Option]) -> Optional[Option]:
    """Find the only option whose title holds all that the text says beside fillers: "the return one"."""
    said = {word for word in re.findall(r"\w+", text.casefold()) if word not in FILLERS and word not in ("one", "ones")}
    fitting = [option for option in options if said and said <= set(re.findall(r"\w+", option.title.casefold()))]
    return fitting[0] if len(fitting) == 1 and not said <= {"1", "2", "3"} else None


def _read_place(word: str, count: int) -> Optional[int]:
    if word in LAST and count:
        return count - 1
    for place, names in enumerate(ORDINALS[:count]):
        if word in names:
            return place
    return None
