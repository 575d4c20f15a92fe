"""What the gateways' connections do beyond the protocol's letter."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import echo_server
from tests.gateway.echo_app import SILENCE_MAX_S
from tests.support.light_client import LightClient
from tests.support.processes import run_async

pytestmark = pytest.mark.stack


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with echo_server(tmp_path) as address:
        yield address


def test_compression_is_asked_for_and_not_granted(address: str) -> None:
    client, echoes = run_async(ask_for_compression(f"ws://{address}/echo"))
    assert b"101 Switching Protocols" in client.answer
    assert b"sec-websocket-extensions" not in client.answer.lower()
    assert echoes == [b"hello"]


async def ask_for_compression(url: str) -> tuple[LightClient, list[bytes]]:
    echoes: asyncio.Queue[bytes] = asyncio.Queue()
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    client = await LightClient.connect(url, echoes.put_nowait, headers=headers)
    client.send("hello")
    echo = await asyncio.wait_for(echoes.get(), 20)
    client.drop()
    await client.closed
    return client, [echo]


def test_peer_that_stays_silent_is_closed_and_one_that_talks_is_not(address: str) -> None:
    heard, close_code = run_async(talk_then_be_silent(f"ws://{address}/impatient", for_s=3 * SILENCE_MAX_S))
    assert (len(heard), close_code) == (10, 1000)


async def talk_then_be_silent(url: str, *, for_s: float) -> tuple[list[bytes], int | None]:
    heard: list[bytes] = []
    client = await LightClient.connect(url, heard.append)
    for _ in range(10):
        await asyncio.sleep(for_s / 10)
        client.send("still here")
    await asyncio.wait_for(client.closed, 20)
    return heard, client.close_code


def test_peers_goodbye_is_answered_with_its_code(address: str) -> None:
    assert run_async(say_goodbye(f"ws://{address}/echo", 4321)) == 4321


async def say_goodbye(url: str, code: int) -> int | None:
    client = await LightClient.connect(url, lambda _: None)
    client.say_goodbye(code)
    await asyncio.wait_for(client.closed, 20)
    return client.close_code
