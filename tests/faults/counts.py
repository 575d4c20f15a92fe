"""What a run counts, and what of it fails the run."""

from collections import Counter
from dataclasses import dataclass, field

EVIDENCE_MAX = 20
"""The first pieces of evidence tell what is wrong; thousands more would hide them."""


@dataclass(slots=True)
class Counts:
    """What happened in a run: what the clients and the network did, counted as it happens."""

    messages: int = 0
    """Unique texts of visitors and operators that the desk has acknowledged."""
    kills: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    connects: int = 0
    resends: int = 0
    sent_home: int = 0
    refused_by_store: int = 0
    refused_by_floor: int = 0


@dataclass(slots=True)
class Verdict:
    """What the referee found; the run has failed if any of it is not zero."""

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    wrong: int = 0
    """Anything else: an invariant of the log, a list that shows what never happened, an outbox that never emptied."""
    evidence: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.reordered or self.wrong)

    def lose(self, words: str, times: int = 1) -> None:
        self.lost += times
        self._keep("lost", words)

    def double(self, words: str, times: int = 1) -> None:
        self.doubled += times
        self._keep("doubled", words)

    def reorder(self, words: str, times: int = 1) -> None:
        self.reordered += times
        self._keep("reordered", words)

    def blame(self, words: str) -> None:
        self.wrong += 1
        self._keep("wrong", words)

    def _keep(self, what: str, words: str) -> None:
        if len(self.evidence) < EVIDENCE_MAX:
            self.evidence.append(f"{what}: {words}")
