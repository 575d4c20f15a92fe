"""One run of the suite: servers, bad network, clients, chaos; then calm, catching up, and the verdict."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gevent
from gevent.pool import Pool

from handoff.auth import Accounts, Role
from handoff.ports import EventStore
from handoff.store.database import Database
from handoff.store.log import SqlEventStore
from handoff.store.postgres import PostgresDatabase
from handoff.store.sqlite import SqliteDatabase
from handoff.store.staff import SqlStaffStore
from tests.faults.chaos import Chaos
from tests.faults.counts import Counts, Verdict
from tests.faults.desk import FaultyDesk, TalkativeBot
from tests.faults.operator import Operator
from tests.faults.peer import Peer, World
from tests.faults.proxy import Proxy
from tests.faults.referee import heads_of, judge, read_log
from tests.faults.visitor import Visitor
from tests.support.scripted import ScriptedKnowledgeBase
from tests.support.servers import PrivatePostgres, PrivateRedis

Mode = Literal["sqlite", "servers"]

STALL_S = 25.0
"""No message acknowledged for this long while everybody talks: something is stuck."""

DRAIN_WITHIN_S = 120.0
CATCH_UP_WITHIN_S = 180.0
CATCH_UP_AT_ONCE = 40

MESSAGES_PER_VISITOR = (20, 80)
BOT_SHARE = 0.2
POLLING_SHARE = 0.15
VISITOR_PACE_S = 0.5
OPERATOR_PACE_S = 0.2
"""Within the desk's budget of ten frames a second, with what comes on top: beats, watches, resends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do."""

    mode: Mode
    messages: int
    kills: int
    visitors: int
    operators: int
    trouble_every_s: float
    seed: str


@dataclass(slots=True)
class Result:
    """What a run did, and what the referee says."""

    plan: Plan
    counts: Counts
    verdict: Verdict
    visitors: int
    polling: int
    conversations: int
    events: int
    lapses: int
    duration_s: float


@dataclass(slots=True)
class _Stage:
    """Everything of a run that is up."""

    world: World
    desk: FaultyDesk
    proxy: Proxy
    chaos: Chaos
    operators: list[Operator]
    open_store: Callable[[], AbstractContextManager[EventStore]]


def run(plan: Plan, folder: Path) -> Result:
    """Run it; the servers' output stays in `folder`."""
    started_at = time.monotonic()
    with _staged(plan, folder) as stage:
        visitors: list[Visitor] = []
        operators = [gevent.spawn(operator.run) for operator in stage.operators]
        slots = [gevent.spawn(_visit_again_and_again, stage.world, number, visitors) for number in range(plan.visitors)]
        verdict = Verdict()
        _talk(plan, stage, verdict)
        stage.proxy.calm_down()
        stage.world.is_ending = True
        gevent.joinall(slots, timeout=DRAIN_WITHIN_S, raise_error=True)
        gevent.killall(slots)  # whoever could not get rid of their messages until now: the referee says so
        _drain_operators(stage)
        with stage.open_store() as store:
            _settle(store, verdict)
            _catch_up(stage, visitors)
            stage.world.is_over = True
            gevent.joinall(operators, timeout=30, raise_error=True)
            log = read_log(store)
        peers: list[Peer] = [*stage.operators, *visitors]
        for peer in peers:
            peer.report.unsent = len(peer.outbox)
        found = judge(log, [peer.report for peer in peers])
    found.evidence[:0] = verdict.evidence
    found.wrong += verdict.wrong
    events = [event for conversation in log.values() for event in conversation.events]
    return Result(
        plan,
        stage.world.counts,
        found,
        visitors=len(visitors),
        polling=sum(visitor.is_polling for visitor in visitors),
        conversations=len(log),
        events=len(events),
        lapses=sum(getattr(event.body, "is_lapse", False) for event in events),
        duration_s=time.monotonic() - started_at,
    )


@contextmanager
def _staged(plan: Plan, folder: Path) -> Iterator[_Stage]:
    counts = Counts()
    with ExitStack() as stack:
        postgres = redis = None
        settings: dict[str, str] = {}
        if plan.mode == "servers":
            postgres = stack.enter_context(PrivatePostgres(folder))
            redis = stack.enter_context(PrivateRedis(folder))
            settings = {"BATON_DATABASE_URL": postgres.url, "BATON_REDIS_URL": redis.url, "BATON_WORKERS": "2"}
        bot = stack.enter_context(TalkativeBot())
        desk = FaultyDesk(folder, bot, stack.enter_context(ScriptedKnowledgeBase()), settings)
        desk.start()
        stack.callback(lambda: desk.process and desk.process.is_running() and desk.process.kill())

        def open_database() -> Database:
            return PostgresDatabase(postgres.url) if postgres else SqliteDatabase(desk.data_dir / "handoff.db")

        @contextmanager
        def open_store() -> Iterator[EventStore]:
            with closing(open_database()) as database:
                yield SqlEventStore(database)

        with closing(open_database()) as database:
            sessions = _sign_in(Accounts(SqlStaffStore(database)), plan.operators)
        rng = random.Random(f"{plan.seed}/{plan.mode}")
        proxy = stack.enter_context(Proxy(desk.port, rng, counts, mean_s=plan.trouble_every_s))
        world = World(proxy.port, desk.base_url, f"{plan.seed}/{plan.mode}", counts)
        operators = [
            Operator(
                world,
                f"operator {number}",
                session=session,
                pace_s=OPERATOR_PACE_S,
            )
            for number, session in enumerate(sessions, start=1)
        ]
        chaos = Chaos(world, desk, operators, rng=random.Random(f"{world.seed}/chaos"), postgres=postgres, redis=redis)
        yield _Stage(world, desk, proxy, chaos, operators, open_store)


def _sign_in(accounts: Accounts, count: int) -> list[str]:
    """Make so many operators; gives their sessions."""
    sessions = []
    for number in range(1, count + 1):
        _, link = accounts.invite(role=Role.OPERATOR)
        email, password = f"operator{number}@fernhill.example", f"correct horse battery {number}"
        sessions.append(accounts.join(link, name=f"Operator {number}", email=email, password=password)[1])
    return sessions


def _visit_again_and_again(world: World, slot: int, visitors: list[Visitor]) -> None:
    """Fill one of the places on the website, with a new visitor each time the last one has nothing more to say."""
    rng = random.Random(f"{world.seed}/slot {slot}")
    while not world.is_ending:
        visitor = Visitor(
            world,
            f"visitor {len(visitors) + 1}",
            messages=rng.randint(*MESSAGES_PER_VISITOR),
            is_for_bot=rng.random() < BOT_SHARE,
            is_polling=rng.random() < POLLING_SHARE,
            pace_s=VISITOR_PACE_S,
        )
        visitors.append(visitor)
        visitor.run()


def _talk(plan: Plan, stage: _Stage, verdict: Verdict) -> None:
    """Let everybody talk and the chaos reign until there were enough messages and kills, or nothing goes on."""
    counts = stage.world.counts
    chaos = gevent.spawn(stage.chaos.run, messages=plan.messages, kills=plan.kills)
    seen, since = counts.messages, time.monotonic()
    while not chaos.ready() or counts.messages < plan.messages:
        gevent.sleep(0.1)
        if chaos.ready():
            chaos.get()  # raises what it raised
        if counts.messages > seen:
            seen, since = counts.messages, time.monotonic()
        if time.monotonic() - since > STALL_S:
            chaos.kill()
            verdict.blame(f"nothing goes on since {seen} messages; the desk says:\n{stage.desk.log()[-3000:]}")
            return


def _drain_operators(stage: _Stage) -> None:
    with gevent.Timeout(DRAIN_WITHIN_S, False):
        while any(operator.outbox for operator in stage.operators):
            gevent.sleep(0.1)


def _settle(store: EventStore, verdict: Verdict) -> None:
    """Wait until the desk has nothing more to do: the bot owes nothing, and nothing is recorded any more."""
    deadline = time.monotonic() + DRAIN_WITHIN_S
    heads: dict[str, int] = {}
    while True:
        owed = store.ids_owed_reply(limit=10_000)
        before, heads = heads, heads_of(store)
        if not owed and heads == before:
            return
        if time.monotonic() > deadline:
            verdict.blame(f"the desk does not come to rest; the bot owes replies in {owed[:5]}")
            return
        gevent.sleep(1.0)


def _catch_up(stage: _Stage, visitors: list[Visitor]) -> None:
    """Bring every client up to date, all visitors by coming back once more."""
    for operator in stage.operators:
        operator.begin_catching_up()
    pool = Pool(CATCH_UP_AT_ONCE)
    for visitor in visitors:
        pool.spawn(visitor.catch_up, CATCH_UP_WITHIN_S)
    pool.join()
    deadline = time.monotonic() + CATCH_UP_WITHIN_S
    for operator in stage.operators:
        while not operator.has_caught_up():
            if time.monotonic() > deadline:
                operator.complain("has not caught up")
                return
            gevent.sleep(0.1)
