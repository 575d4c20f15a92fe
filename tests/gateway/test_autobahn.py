"""The Autobahn cases against the connection code of the gateways: the WebSocket protocol as others understand it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from kosoku import FailureError, run_fuzzingclient

from tests.gateway.conftest import echo_server
from tests.support.processes import run_async

pytestmark = pytest.mark.stack

CLEAN_CLOSES = {"OK", "INFORMATIONAL"}
"""Informational are the three cases in which the protocol leaves the close to the server (7.1.6, 7.13.*)."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    # Section 9 sends messages of up to 16 MB; a server that refuses them would pass nothing of it.
    with echo_server(tmp_path, MESSAGE_MAX_BYTES=str(32 * 2**20)) as address:
        yield address


def test_no_autobahn_case_fails_and_every_close_is_clean(address: str) -> None:
    # Sections 12 and 13 are about compression, which no peer of Baton's is offered.
    results = run_async(run_all_but(["12.*", "13.*"], f"ws://{address}/echo"))
    assert len(results) == 301
    assert [describe(result) for result in results if not (result.passed and result.was_clean)] == []
    assert {result.behavior_close.value for result in results} == CLEAN_CLOSES


async def run_all_but(sections: list[str], url: str):
    """Give the results of all cases, failed ones too."""
    try:
        return await asyncio.wait_for(run_fuzzingclient(url, exclude_cases=sections, concurrency=4), timeout=180)
    except FailureError as failure:
        return failure.results


def describe(result) -> str:
    return f"{result.case_id}: {result.result} {result.result_close} {result.was_not_clean_reason or ''}"
