"""The topics that a person must handle, whatever the bot could say to them: pure, rung 1 of the ladder.

An administrator lists words and article tags by topic in one YAML file; `guarded_topics.yml` is the one that Baton
ships. `find_topic` reads what visitors write, `find_tag` the tags of an article before it is shown.
"""

from collections.abc import Sequence

import msgspec
import yaml

from handoff.errors import SettingsError
from handoff.phrases import Phrases


class _Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: list[str] = []
    tags: list[str] = []


class GuardedTopics:
    """The list, ready to be looked things up in; without arguments it guards nothing."""

    def __init__(self, words: dict[str, Sequence[str]] | None = None, tags: dict[str, Sequence[str]] | None = None):
        self._phrases = {topic: Phrases(listed) for topic, listed in (words or {}).items()}
        self._topics = {tag.casefold().strip(): topic for topic, listed in (tags or {}).items() for tag in listed}

    def find_topic(self, text: str) -> str | None:
        """Give the first topic that a text touches and the phrase that says so, as "topic: phrase"."""
        for topic, phrases in self._phrases.items():
            if phrase := phrases.find(text):
                return f"{topic}: {phrase}"
        return None

    def find_tag(self, tags: Sequence[str]) -> str | None:
        """Give the topic of the first guarded one among an article's tags, as "topic: tag …"."""
        for tag in tags:
            if topic := self._topics.get(tag.casefold().strip()):
                return f"{topic}: article tagged {tag}"
        return None


def parse_topics(text: str, *, source: str) -> GuardedTopics:
    """Read the YAML of a list of topics: `topic: {words: [...], tags: [...]}`.

    Raises:
        SettingsError: it has another shape; the message names `source` and the place.
    """
    try:
        topics = msgspec.convert(yaml.safe_load(text) or {}, dict[str, _Topic])
    except (yaml.YAMLError, msgspec.ValidationError) as exc:
        raise SettingsError(
            f"The guarded topics in {source} cannot be read: {exc}. Each topic needs lists named words and tags; "
            "handoff/guarded_topics.yml is an example."
        ) from exc
    return GuardedTopics(
        {name: topic.words for name, topic in topics.items()},
        {name: topic.tags for name, topic in topics.items()},
    )
