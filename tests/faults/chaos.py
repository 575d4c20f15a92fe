"""What happens to the servers, and when: kills as the messages advance, other mischief between them."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gevent

from tests.faults.counts import Counts
from tests.faults.desk import FaultyDesk
from tests.faults.operator import Operator
from tests.faults.peer import World
from tests.support.servers import PrivatePostgres, PrivateRedis

CLOCK_JUMP_MAX_S = 10 * 3600.0
"""Forth and back by this at most: two jumps together stay below the day after which a visitor's chat is another one."""


ROUNDS_PER_PEACE = 10
PEACE_S = 28.0
"""Long enough for the lease of an operator who vanished to lapse: no restart may come between, which would give them
longer."""


class Chaos:
    """Kills `kills` times, evenly over `messages`; each thing that can happen comes in turn, in random order."""

    def __init__(
        self,
        world: World,
        desk: FaultyDesk,
        operators: Sequence[Operator],
        *,
        rng: random.Random,
        postgres: PrivatePostgres | None = None,
        redis: PrivateRedis | None = None,
    ) -> None:
        self._world = world
        self._desk = desk
        self._operators = operators
        self._rng = rng
        self._postgres = postgres
        self._redis = redis
        has_servers = postgres is not None
        kills = [self._kill_desk, self._kill_worker, self._kill_after_ack, self._kill_while_starting]
        mischief = [self._jump, self._restart_cleanly, self._jump, self._nothing]
        if has_servers:
            kills += [self._kill_postgres, self._kill_redis, self._kill_everything]
            mischief += [self._nothing, self._nothing]
        else:
            mischief += [self._fill_disk, self._fill_disk]
        self._next_kill = self._deal(kills)
        self._next_mischief = self._deal(mischief)

    @property
    def counts(self) -> Counts:
        return self._world.counts

    def run(self, *, messages: int, kills: int) -> None:
        """Let it happen; returns when the last has happened and everything runs again."""
        number = 0
        while (done := self.counts.kills.total()) < kills:
            while self.counts.messages < messages * done / kills:
                gevent.sleep(0.05)
            if number % ROUNDS_PER_PEACE == ROUNDS_PER_PEACE - 1:
                self._leave_in_peace()
            elif number:  # the first kill comes early, the rest after some mischief each
                next(self._next_mischief)()
            gevent.sleep(self._rng.uniform(0.2, 1.2))
            next(self._next_kill)()
            number += 1

    def _deal(self, deeds: list[Callable[[], None]]) -> Iterator[Callable[[], None]]:
        while True:
            deck = deeds[:]
            self._rng.shuffle(deck)
            yield from deck

    # --- kills -----------------------------------------------------------------------------------------------------

    def _kill_desk(self) -> None:
        self._desk.kill()
        self.counts.kills["desk"] += 1
        self._desk.start()

    def _kill_worker(self) -> None:
        self._desk.kill_worker()
        self.counts.kills["worker"] += 1
        self._desk.wait_until_well()

    def _kill_after_ack(self) -> None:
        """Kill in the very moment in which a client has read an acknowledgement."""
        killed = gevent.event.Event()

        def kill_now() -> None:
            self._world.ack_listeners.remove(kill_now)
            self._desk.kill()
            killed.set()

        self._world.ack_listeners.append(kill_now)
        killed.wait()
        self.counts.kills["desk after an ack"] += 1
        self._desk.start()

    def _kill_while_starting(self) -> None:
        self._desk.kill()
        self._desk.begin_start()
        gevent.sleep(self._rng.uniform(0.1, 1.5))
        self._desk.kill()
        self.counts.kills["desk"] += 1
        self.counts.kills["desk while it starts"] += 1
        self._desk.start()

    def _kill_postgres(self) -> None:
        assert self._postgres is not None
        self._postgres.kill()
        self.counts.kills["postgres"] += 1
        gevent.sleep(self._rng.uniform(0.0, 2.0))
        self._postgres.start()
        self._desk.wait_until_well()

    def _kill_redis(self) -> None:
        assert self._redis is not None
        self._redis.kill()
        self.counts.kills["redis"] += 1
        gevent.sleep(self._rng.uniform(0.0, 2.0))
        self._redis.start()
        self._desk.wait_until_well()

    def _kill_everything(self) -> None:
        """Pull the plug: PostgreSQL, Redis and the desk at once."""
        assert self._postgres is not None
        assert self._redis is not None
        self._postgres.kill()
        self._redis.kill()
        self._desk.kill()
        self.counts.kills.update(["postgres", "redis", "desk"])
        self._postgres.start()
        self._redis.start()
        self._desk.start()

    # --- other mischief --------------------------------------------------------------------------------------------

    def _jump(self) -> None:
        self._desk.set_clock(self._rng.uniform(-CLOCK_JUMP_MAX_S, CLOCK_JUMP_MAX_S))
        self.counts.troubles["clock_jump"] += 1

    def _restart_cleanly(self) -> None:
        self._desk.restart_cleanly()
        self.counts.troubles["clean_restart"] += 1

    def _fill_disk(self) -> None:
        """Refuse writes from some place on that the log's file has reached already, until somebody was refused."""
        log = Path(f"{self._desk.data_dir}/handoff.db-wal")
        self._desk.fill_disk(self._rng.randint(0, log.stat().st_size if log.exists() else 0))
        self.counts.troubles["full_disk"] += 1
        before = self.counts.refused_by_store
        with gevent.Timeout(5.0, False):
            while self.counts.refused_by_store == before:
                gevent.sleep(0.05)
        gevent.sleep(self._rng.uniform(0.2, 1.5))
        self._desk.free_disk()

    def _leave_in_peace(self) -> None:
        """Let one operator vanish, and leave the desk alone until it has given their chats to others."""
        self._rng.choice(self._operators).goes_away = True
        gevent.sleep(PEACE_S)

    def _nothing(self) -> None:
        gevent.sleep(self._rng.uniform(0.0, 1.0))
