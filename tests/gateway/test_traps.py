"""What a bare simple-websocket under gevent gets wrong, over real sockets: writers at once, large frames, a reader
that stops reading.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from handoff.gateway.connection import OUTBOX_MAX_FRAMES
from tests.gateway.burst import BURST_FRAMES, WRITERS, burst_frame
from tests.gateway.conftest import echo_server
from tests.support.light_client import LightClient
from tests.support.processes import run_async

pytestmark = pytest.mark.stack

ROUNDS = 8
SMALL_BUFFER_BYTES = 131_072
"""Two of loopback's segments: with less, TCP waits a fifth of a second before each."""

TINY_BUFFER_BYTES = 4096
PATIENCE_S = 60.0

READERS = 1_000
TEXTS = 50
OFFERS = 600
TEXT = "x" * 4_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with echo_server(tmp_path) as address:
        yield address


# --- writers at once -------------------------------------------------------------------------------------------------


def test_frames_of_eight_writers_at_once_all_arrive_whole(address: str) -> None:
    frames = run_async(hear_bursts(f"ws://{address}/burst"))
    assert len(frames) == WRITERS * BURST_FRAMES * ROUNDS
    for writer in range(WRITERS):
        heard = [frame for frame in frames if frame["writer"] == writer]
        assert heard == [burst_frame(writer, r, n) for r in range(ROUNDS) for n in range(BURST_FRAMES)]


async def hear_bursts(url: str) -> list[dict]:
    """Ask for bursts, with pings in the middle of them, through a socket that takes little at a time."""
    frames: list[dict] = []
    is_round_over = asyncio.Event()

    def heard(message: bytes) -> None:
        frames.append(json.loads(message))
        if len(frames) % 10 == 0:
            client.ping()
        if len(frames) % (WRITERS * BURST_FRAMES) == 0:
            is_round_over.set()

    client = await LightClient.connect(url, heard, receive_buffer_bytes=SMALL_BUFFER_BYTES)
    for round_ in range(ROUNDS):
        is_round_over.clear()
        client.send(str(round_))
        await asyncio.wait_for(is_round_over.wait(), PATIENCE_S)
    client.drop()
    return frames


# --- large frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["ä" * 30_000, b"\x00\xff" * 30_000], ids=["text", "binary"])
def test_sixty_kilobytes_come_back_whole_to_a_peer_that_reads_late(address: str, message: str | bytes) -> None:
    sent = message.encode() if isinstance(message, str) else message
    assert run_async(echo_late(f"ws://{address}/echo/small-buffer", message, times=50)) == [sent] * 50


async def echo_late(url: str, message: str | bytes, *, times: int) -> list[bytes]:
    echoes: list[bytes] = []
    is_done = asyncio.Event()

    def heard(echo: bytes) -> None:
        echoes.append(echo)
        if len(echoes) == times:
            is_done.set()

    client = await LightClient.connect(url, heard, receive_buffer_bytes=SMALL_BUFFER_BYTES)
    client.stop_reading()
    for _ in range(times):
        client.send(message)
    await asyncio.sleep(0.2)  # the server has met full buffers by now
    client.go_on_reading()
    await asyncio.wait_for(is_done.wait(), PATIENCE_S)
    client.drop()
    return echoes


@pytest.mark.parametrize("message", ["x" * 5_000_000, b"x" * 5_000_000, "ä" * 33_000], ids=["text", "binary", "utf8"])
def test_message_over_the_limit_is_refused_with_a_code(address: str, message: str | bytes) -> None:
    assert run_async(close_code_after(f"ws://{address}/echo", message)) == 1009


async def close_code_after(url: str, message: str | bytes) -> int | None:
    client = await LightClient.connect(url, lambda echo: pytest.fail("the message was taken"))
    client.send(message)
    await asyncio.wait_for(client.closed, PATIENCE_S)
    return client.close_code


# --- a reader that stops reading -------------------------------------------------------------------------------------


def test_reader_that_stops_is_dropped_and_a_thousand_others_get_everything(address: str) -> None:
    counts, grown_bytes, close_code = run_async(publish_to_many(address))
    assert counts == [TEXTS] * READERS
    assert close_code is None  # it took nothing more, so it could not be told
    assert grown_bytes < 20e6  # every text waiting for every reader would be 200 MB


async def publish_to_many(address: str) -> tuple[list[int], int, int | None]:
    """Publish to many who read and one who does not, until that one is dropped; give how many texts each got, by how
    much the server grew, and what the stuck one was told.
    """
    counts = [0] * READERS

    def count(reader: int) -> None:
        counts[reader] += 1

    url = f"ws://{address}/follow"
    readers = [await LightClient.connect(url, lambda _, n=number: count(n)) for number in range(READERS)]
    stuck = await stuck_reader(url, lambda _: None, TINY_BUFFER_BYTES)
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE_S) as http:
        before = (await http.get("/facts")).json()
        assert before["followers"] == READERS + 1
        for number in range(TEXTS):
            await http.post("/publish", params={"way": "log"}, content=TEXT)
            await until(lambda n=number: min(counts) > n)
        async with asyncio.timeout(PATIENCE_S):
            while (after := (await http.get("/facts")).json())["followers"] > READERS:
                await asyncio.sleep(0.1)
    stuck.go_on_reading()
    await asyncio.wait_for(stuck.closed, PATIENCE_S)
    for reader in readers:
        reader.drop()
    return counts, after["memory_bytes"] - before["memory_bytes"], stuck.close_code


def test_peer_that_lets_too_much_pile_up_is_told_to_come_back(address: str) -> None:
    heard, close_code = run_async(offer_too_much(f"http://{address}", f"ws://{address}/follow"))
    assert close_code == 4008
    # Beside what may wait there are some in the server's and the system's buffers.
    assert OUTBOX_MAX_FRAMES <= len(heard) < OFFERS


async def offer_too_much(http_url: str, url: str) -> tuple[list[bytes], int | None]:
    heard: list[bytes] = []
    stuck = await stuck_reader(url, heard.append, SMALL_BUFFER_BYTES)
    async with httpx.AsyncClient(base_url=http_url, timeout=PATIENCE_S) as http:
        await http.post("/publish", params={"way": "offer", "times": OFFERS}, content=TEXT)
    stuck.go_on_reading()
    await asyncio.wait_for(stuck.closed, PATIENCE_S)
    return heard, stuck.close_code


async def stuck_reader(url: str, on_message: Callable[[bytes], object], buffer_bytes: int) -> LightClient:
    client = await LightClient.connect(url, on_message, receive_buffer_bytes=buffer_bytes)
    client.stop_reading()
    return client


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.005)
