"""Reads a whole log and tells every rule of `verification` that it breaks, rung 4 of the ladder.

Reads by the page and forgets what it has read, so that memory does not grow with the log. The log may grow meanwhile:
a conversation's row is read after its events, and where it is ahead of them, the events that came are read, too.
"""

from collections.abc import Iterator

import msgspec

from handoff.errors import StoreFailed
from handoff.events import ConversationId, Event
from handoff.ports import EventStore
from handoff.verification import ConversationCheck, Found, Rule, Violation

IDS_PER_PAGE = 1_000
EVENTS_PER_PAGE = 500
ORPHANS_TOLD_MAX = 100


class LogCheck:
    """One reading of a log; `conversations`, `events` and `violations` count as it goes."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.conversations = 0
        self.events = 0
        self.violations = 0

    def run(self) -> Iterator[Violation]:
        """Read everything; give each violation when it is found.

        Raises:
            StoreFailed: the log cannot be read, or was replaced while it was.
        """
        log_epoch = self._store.log_epoch()
        for violation in self._all():
            self.violations += 1
            yield violation
        if self._store.log_epoch() != log_epoch:
            raise StoreFailed("The log was restored while it was read. Run it again.")

    def _all(self) -> Iterator[Violation]:
        for conversation_id in self._store.ids_without_row(limit=ORPHANS_TOLD_MAX):
            sentence = "There are events of a conversation that is not there."
            yield Violation(conversation_id, None, 0, Rule.CONVERSATION, sentence)
        last: ConversationId | None = None
        while page := self._store.ids(after=last, limit=IDS_PER_PAGE):
            for conversation_id in page:
                yield from self._one(conversation_id)
            last = page[-1]

    def _one(self, conversation_id: ConversationId) -> Iterator[Violation]:
        self.conversations += 1
        for seq, (rule, sentence) in self._wrong_of(conversation_id):
            number = self._store.columns(conversation_id).get("number")
            yield Violation(conversation_id, number if isinstance(number, int) else None, seq, rule, sentence)

    def _wrong_of(self, conversation_id: ConversationId) -> Iterator[tuple[int, Found]]:
        check = ConversationCheck()
        while True:
            head = check.head
            try:
                for event in self._events_after(conversation_id, head):
                    self.events += 1
                    yield from ((event.seq, found) for found in check.see(event))
            except msgspec.DecodeError as exc:
                told = f"The event after seq {check.head} cannot be read: {exc}. What follows it was not checked."
                yield check.head + 1, (Rule.READABLE, told)
                return
            columns = self._store.columns(conversation_id)
            if not columns:
                return  # gone: a restore, which the end of the reading notices
            # Each event is recorded with its row: one that the row knows has come by now, or never will.
            if columns["head_seq"] == check.head or check.head == head:
                break
        yield from ((0, found) for found in check.compare(columns))

    def _events_after(self, conversation_id: ConversationId, seq: int) -> Iterator[Event]:
        limit = EVENTS_PER_PAGE
        while True:
            try:
                page = self._store.read(conversation_id, after_seq=seq, limit=limit)
            except msgspec.DecodeError:
                if limit == 1:
                    raise
                limit = 1  # up to the one that cannot be read
                continue
            yield from page
            if len(page) < limit:
                return
            seq = page[-1].seq
