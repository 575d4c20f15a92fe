"""What an idle socket costs, and how long it takes until all are back who were cut off at once."""

import asyncio
import random
import time
from pathlib import Path
from typing import NamedTuple

from handoff.events import VisitorId
from handoff.projection import Phase
from handoff.visitors import Visitors
from tests.bench.population import EVENTS_EACH, populate
from tests.bench.servers import SECRET, Desk, Server, desk_server, echo_server, new_token
from tests.support.light_client import LightClient

FEW, MANY = 1_000, 5_000
MISSED_EVENTS = 6
"""What happened while a client was away; a third of it is private and never reaches a visitor."""

PATIENCE_S = 120.0
SETTLE_S = 1.0


class SocketFigures(NamedTuple):
    """Bytes of the worker for each idle socket, and seconds until the last of MANY had all that it missed."""

    bytes_at_few: float
    bytes_at_many: float
    storm_s: float


def measure_echo(folder: Path) -> SocketFigures:
    """Open sockets and have each say one thing."""
    with echo_server(folder) as server:
        return asyncio.run(_measure(server, [{"type": "hello"}] * MANY, answers=1))


def measure_desk(folder: Path) -> SocketFigures:
    """Have visitors come back to the chats that they had, each with the cursor of what it has seen."""
    tokens = [new_token() for _ in range(MANY)]
    signer = Visitors(None, secret=SECRET)  # type: ignore[arg-type]
    visitors: list[VisitorId] = [signer.check_token(token) for token in tokens]
    populate(folder / "data" / "handoff.db", visitors, Phase.BOT, at=time.time() - 60)
    cursor = EVENTS_EACH - MISSED_EVENTS
    hellos = [{"type": "hello", "token": token, "cursor": cursor} for token in tokens]
    with desk_server(folder) as desk:
        return asyncio.run(_measure(desk, hellos, answers=1 + MISSED_EVENTS * 2 // 3))


async def _measure(server: Server | Desk, hellos: list[dict], *, answers: int) -> SocketFigures:
    warm = await _come_back(server, hellos[:20], answers)
    empty = server.memory_bytes()
    few = await _come_back(server, hellos[20:FEW], answers)
    await asyncio.sleep(SETTLE_S)
    bytes_at_few = (server.memory_bytes() - empty) / len(few)
    many = await _come_back(server, hellos[FEW:], answers)
    await asyncio.sleep(SETTLE_S)
    bytes_at_many = (server.memory_bytes() - empty) / (MANY - len(warm))
    await _drop([*warm, *few, *many])
    await asyncio.sleep(SETTLE_S)
    started_s = time.perf_counter()
    everybody = await _come_back(server, hellos, answers)
    storm_s = time.perf_counter() - started_s
    await _drop(everybody)
    return SocketFigures(bytes_at_few, bytes_at_many, storm_s)


async def _come_back(server: Server, hellos: list[dict], answers: int) -> list[LightClient]:
    """Open a socket for each hello, all at once; wait until each has had so many answers."""
    return await asyncio.wait_for(asyncio.gather(*[_come(server, hello, answers) for hello in hellos]), PATIENCE_S)


async def _come(server: Server, hello: dict, answers: int) -> LightClient:
    caught_up = asyncio.get_running_loop().create_future()
    count = 0

    def heard(message: bytes) -> None:
        nonlocal count
        count += message.startswith((b'{"type":"welcome"', b'{"type":"event"', b'{"type": "hello"'))
        if count == answers and not caught_up.done():
            caught_up.set_result(None)

    while True:
        try:
            client = await LightClient.connect(server.url, heard)
        except ConnectionError:  # refused in the crowd: come again, as every client does
            await asyncio.sleep(random.uniform(0.5, 1.0))
        else:
            client.send_json(**hello)
            await caught_up
            return client


async def _drop(clients: list[LightClient]) -> None:
    for client in clients:
        client.drop()
    await asyncio.gather(*[client.closed for client in clients])
