"""What the suite found: small, without chance, one fault each."""

from collections.abc import Iterator

import pytest

from handoff.protocol import CloseCode
from tests.faults.desk import FaultyDesk, TalkativeBot
from tests.faults.wire import Gone, Wire
from tests.support.scripted import ScriptedKnowledgeBase

pytestmark = pytest.mark.stack

HOUR_S = 3600.0
SILENT_SOCKETS = 8
"""More than the ten seconds of a graceful end have room for, if each is waited for in turn."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyDesk]:
    with TalkativeBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        desk = FaultyDesk(tmp_path_factory.mktemp("desk"), bot, knowledge_base, {})
        desk.start()
        yield desk
        if desk.process and desk.process.is_running():
            desk.process.stop()


def test_visitor_who_comes_while_the_disk_is_full_is_told_to_come_back(desk: FaultyDesk) -> None:
    with desk.visitor() as ada:
        assert ada.says("before")["type"] == "ack"
        desk.fill_disk(0)
        try:
            refused = ada.says("in between")
            assert (refused["type"], refused["code"]) == ("error", "store_unavailable")
            with ada.back_again() as again:
                assert again.wait_for_close() == CloseCode.INTERNAL
        finally:
            desk.free_disk()
        with ada.back_again() as again:
            again.welcome()
            assert again.says("in between", client_id=refused["client_id"])["type"] == "ack"


def test_visitor_keeps_their_chat_when_the_clock_of_the_server_is_put_back(desk: FaultyDesk) -> None:
    with desk.visitor() as ada:
        said = ada.says("what time is it?")
        before = ada.event("visitor_message")
        desk.set_clock(-2 * HOUR_S)
        try:
            with ada.back_again(cursor=0) as again:
                assert again.event("visitor_message")["seq"] == said["seq"]
                again.says("and now?")
                after = again.event("visitor_message", after_seq=said["seq"])
        finally:
            desk.set_clock(0.0)
    assert after["at"] >= before["at"]  # a log never goes back


def test_restart_sends_everybody_home_however_many_are_there_who_answer_nothing(desk: FaultyDesk) -> None:
    silent = [Wire(desk.port, "/ws/visitor", {}) for _ in range(SILENT_SOCKETS)]
    with desk.visitor() as ada:
        ada.welcome()
        desk.restart_cleanly()
        assert ada.wait_for_close() == CloseCode.COME_BACK
    for wire in silent:
        with pytest.raises(Gone) as gone:
            wire.receive(20.0)
        assert gone.value.code == CloseCode.COME_BACK
        wire.hang_up()
