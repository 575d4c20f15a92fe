"""A message from a visitor to the operator who watches, durable on the way, beside a bare echo and beside a bare
flush. The three take turns in rounds, so that all of them meet the same noise.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench.servers import Desk, Server, desk_server, echo_server, new_token
from tests.support.light_client import LightClient

ROUNDS = 5
PAIRS = 40
"""As many as one operator can watch."""

CALM_MESSAGES = 200
CALM_PERIOD_S = 0.01
MESSAGES_OF_PAIR = 50
"""A visitor may send 60 frames at once; two of them open the chat."""

TEXT = "My card was charged twice this month. "
EVENT_BYTES = 400
"""About what one visitor's message is in the log."""

PATIENCE_S = 60.0


class Load(NamedTuple):
    """What a round measured: how long each message took, how many went through in a second, and how much of a
    processor the server's worker used for each.
    """

    latencies_s: list[float]
    per_second: float
    processor_s: float


class Contender(NamedTuple):
    """One way for a message to go, with all its rounds.

    Calm is one message every CALM_PERIOD_S; pressed is each pair's next one as soon as its last has arrived.
    """

    name: str
    open_pairs: Callable[[], Awaitable["Pairs"]]
    server: Server
    calm: list[Load]
    pressed: list[Load]


class RelayFigures(NamedTuple):
    flushes_s: list[float]
    contenders: list[Contender]


def measure(folder: Path) -> RelayFigures:
    with (
        echo_server(folder) as bare,
        echo_server(folder, app="tests.gateway.echo_app:app") as connected,
        desk_server(folder) as desk,
    ):
        headers = desk.operator_headers("Grace")
        contenders = [
            Contender("bare flask-sock echo", lambda: open_echo(bare), bare, [], []),
            Contender("echo through the connection code", lambda: open_echo(connected), connected, [], []),
            Contender("durable relay, visitor to operator", lambda: open_desk(desk, headers), desk, [], []),
        ]
        return asyncio.run(_alternate(contenders, folder / "flushes"))


async def _alternate(contenders: list[Contender], flushes: Path) -> RelayFigures:
    flushes_s: list[float] = []
    for _ in range(ROUNDS):
        flushes_s += time_flushes(flushes, CALM_MESSAGES)
        for contender in contenders:
            for run, loads in ((press, contender.pressed), (calmly, contender.calm)):
                pairs = await contender.open_pairs()
                loads.append(await run(pairs, contender.server))
                await pairs.close()
    return RelayFigures(flushes_s, contenders)


def time_flushes(path: Path, count: int) -> list[float]:
    """Time appends of an event's size, each with a flush to the disk, as a commit of the log has one."""
    samples_s = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(count):
            started_s = time.perf_counter()
            os.write(descriptor, b"x" * EVENT_BYTES)
            os.fsync(descriptor)
            samples_s.append(time.perf_counter() - started_s)
    finally:
        os.close(descriptor)
    return samples_s


class Pairs:
    """Open pairs of a sender and a receiver; a message is known by its `number` and its pair."""

    def __init__(self) -> None:
        self.senders: list[LightClient] = []
        self.others: list[LightClient] = []
        self.send: Callable[[int, int], None] = lambda pair, number: None
        self.on_arrival: Callable[[int, int], None] = lambda pair, number: None

    async def close(self) -> None:
        for client in [*self.senders, *self.others]:
            client.drop()
        await asyncio.gather(*[client.closed for client in [*self.senders, *self.others]])


async def open_echo(server: Server) -> Pairs:
    """Open sockets that are their own receivers."""
    pairs = Pairs()
    for pair in range(PAIRS):
        pairs.senders.append(
            await LightClient.connect(server.url, lambda m, p=pair: pairs.on_arrival(p, _number_in(m)))
        )
    pairs.send = lambda pair, number: pairs.senders[pair].send_json(**_post(pair, number))
    return pairs


async def open_desk(desk: Desk, headers: dict[str, str]) -> Pairs:
    """Open chats that wait for a person, and one operator who watches them all."""
    pairs = Pairs()
    chats: dict[str, int] = {}

    def heard_by_operator(message: bytes) -> None:
        if message.startswith(b'{"type":"event"') and b'"visitor_message"' in message:
            pairs.on_arrival(int(_field(message, b"client_id")[:6]), _number_in(message))

    operator = await LightClient.connect(desk.operator_url, heard_by_operator, headers=headers)
    pairs.others.append(operator)
    for pair in range(PAIRS):
        chats[await _open_chat(desk, pairs)] = pair
    for chat in chats:
        operator.send_json(type="watch", conversation_id=chat, cursor=2)
        await asyncio.sleep(0.12)  # the operator's socket may send 10 frames a second, too
    pairs.send = lambda pair, number: pairs.senders[pair].send_json(**_post(pair, number))
    return pairs


async def _open_chat(desk: Desk, pairs: Pairs) -> str:
    """Give the id of a new chat in the queue."""
    acknowledged = asyncio.get_running_loop().create_future()
    welcomed = asyncio.get_running_loop().create_future()

    def heard(message: bytes) -> None:
        if message.startswith(b'{"type":"ack"') and not acknowledged.done():
            acknowledged.set_result(None)
        if message.startswith(b'{"type":"welcome"') and not welcomed.done():
            welcomed.set_result(_field(message, b"conversation_id").decode())

    token = new_token()
    opener = await LightClient.connect(desk.url, heard)
    opener.send_json(type="hello", token=token)
    opener.send_json(type="ask_person", client_id="ask-person")
    await asyncio.wait_for(acknowledged, PATIENCE_S)
    opener.drop()
    welcomed = asyncio.get_running_loop().create_future()
    sender = await LightClient.connect(desk.url, heard)
    sender.send_json(type="hello", token=token, cursor=2)
    pairs.senders.append(sender)
    return await asyncio.wait_for(welcomed, PATIENCE_S)


async def press(pairs: Pairs, server: Server) -> Load:
    """Send each pair's next message as soon as its last one has arrived."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sent_s = [0.0] * PAIRS
    latencies_s: list[float] = []

    def send(pair: int, number: int) -> None:
        sent_s[pair] = time.perf_counter()
        pairs.send(pair, number)

    def arrived(pair: int, number: int) -> None:
        latencies_s.append(time.perf_counter() - sent_s[pair])
        if number + 1 < MESSAGES_OF_PAIR:
            send(pair, number + 1)
        elif len(latencies_s) == PAIRS * MESSAGES_OF_PAIR:
            done.set_result(None)

    pairs.on_arrival = arrived
    return await _timed(server, latencies_s, lambda: [send(pair, 0) for pair in range(PAIRS)], done)


async def calmly(pairs: Pairs, server: Server) -> Load:
    """Send one message every CALM_PERIOD_S, from each pair in its turn."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()
    sent_s: dict[tuple[int, int], float] = {}
    latencies_s: list[float] = []

    def send(count: int) -> None:
        pair, number = count % PAIRS, count // PAIRS
        sent_s[pair, number] = time.perf_counter()
        pairs.send(pair, number)

    def arrived(pair: int, number: int) -> None:
        latencies_s.append(time.perf_counter() - sent_s[pair, number])
        if len(latencies_s) == CALM_MESSAGES:
            done.set_result(None)

    pairs.on_arrival = arrived

    def start() -> None:
        for count in range(CALM_MESSAGES):
            loop.call_later(count * CALM_PERIOD_S, send, count)

    return await _timed(server, latencies_s, start, done)


async def _timed(
    server: Server, latencies_s: list[float], start: Callable[[], object], done: asyncio.Future[None]
) -> Load:
    started_s, used_s = time.perf_counter(), server.processor_s()
    start()
    await asyncio.wait_for(done, PATIENCE_S)
    took_s = time.perf_counter() - started_s
    return Load(latencies_s, len(latencies_s) / took_s, (server.processor_s() - used_s) / len(latencies_s))


def _post(pair: int, number: int) -> dict[str, str]:
    return {"type": "post", "client_id": f"{pair:06d}-{number:06d}", "text": TEXT}


def _number_in(message: bytes) -> int:
    return int(_field(message, b"client_id")[7:13])


def _field(message: bytes, name: bytes) -> bytes:
    """Give a string's value out of a frame without decoding the whole of it."""
    start = message.index(b'"' + name + b'":') + len(name) + 3
    start = message.index(b'"', start) + 1
    return message[start : message.index(b'"', start)]
