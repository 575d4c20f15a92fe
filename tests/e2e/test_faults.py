"""Parts of the real stack die in the middle of a conversation: nothing is lost, the visitor is told, people take
over.
"""

import pytest

from tests.support.clients import Frame
from tests.support.processes import eventually
from tests.support.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def in_queue(conversation_id: str):
    return lambda line: line["conversation_id"] == conversation_id and line["phase"] == "queue"


def answered(frame: Frame) -> bool:
    kinds = ("article_shown", "clarification_offered", "bot_message")
    return frame["type"] == "event" and frame["kind"] in kinds


def test_bot_killed_in_the_middle_is_stood_in_for_and_comes_back(login_gov: Stack) -> None:
    with login_gov.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
        login_gov.kill("bot")
        posted = ada.says("how do i delete my account?")
        notice = ada.event("bot_message", after_seq=posted["seq"], within_s=40)
        assert "out of order" in notice["body"]["text"]
        shown = ada.wait_for(lambda f: answered(f) and f["seq"] > notice["seq"])
        assert shown["kind"] in ("article_shown", "clarification_offered")
        login_gov.wait_until_well("bot")

        def is_read_by_rasa() -> bool:
            with login_gov.visitor() as bob:
                seq = bob.says("hello")["seq"]
                said = bob.event("bot_message", after_seq=seq, within_s=40)
                return "out of order" not in said["body"]["text"]

        eventually(is_read_by_rasa, within_s=60, what="Rasa is asked again")


def test_knowledge_base_killed_in_the_middle_sends_the_chat_to_people_and_comes_back(login_gov: Stack) -> None:
    part = "knowledge_base"
    with login_gov.operator("Grace") as grace, login_gov.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
        login_gov.kill(part)
        posted = ada.says("how do i delete my account?")
        assert posted["type"] == "ack"
        told = ada.event("escalated", after_seq=posted["seq"], within_s=40)
        assert told["body"]["reason"] == "bot_failed"
        with ada.back_again(cursor=0) as again:
            chat = again.welcome()["conversation_id"]
            assert again.event("visitor_message", after_seq=posted["seq"] - 1)["body"]["text"].startswith("how do i")
        line = grace.summary(in_queue(chat))
        assert line["reason"] == "bot_failed"
        assert "how do i delete my account?" in [asked["text"] for asked in grace.watches(chat)["asked"]]
    login_gov.wait_until_well(part)
    with login_gov.visitor() as bob:
        posted = bob.says("how do i delete my account?")
        shown = bob.wait_for(lambda f: answered(f) and f["seq"] > posted["seq"])
        assert shown["kind"] in ("article_shown", "clarification_offered")


def test_desk_killed_and_restarted_keeps_every_acknowledged_message(login_gov: Stack) -> None:
    with login_gov.visitor() as ada:
        acked = ada.says("are you there?")
        login_gov.kill("handoff")
    login_gov.wait_until_well("handoff")
    with ada.back_again(cursor=0) as again:
        assert again.event("visitor_message")["seq"] == acked["seq"]
        again.wait_for(lambda f: f["type"] == "event" and f["seq"] > acked["seq"])


def test_imported_articles_carry_no_template_markup(login_gov: Stack) -> None:
    client = login_gov.api(login_gov.session("Edith", "editor"))
    seen = 0
    for language in ("en", "es", "fr", "zh"):
        listed = client.get("/api/articles", params={"language": language, "limit": 200}).json()["articles"]
        for line in listed:
            html = client.get(f"/api/articles/{language}/{line['slug']}").json()["html"]
            assert not any(mark in html for mark in ("{%", "{{", "{:", "%}"))
            seen += 1
    client.close()
    assert seen >= 4 * 50


def test_doctor_says_that_all_is_well_and_how_to_mend_what_is_not(login_gov: Stack) -> None:
    login_gov.session("Root", "admin")
    well = login_gov.baton("doctor")
    assert "All is well." in well.stdout
    broken = {"BATON_KB_PORT": "1", "BATON_RASA_PYTHON": "/nowhere/python"}
    unwell = login_gov.baton("doctor", check=False, extra=broken)
    assert unwell.returncode == 1
    lines = unwell.stdout.splitlines()
    for part in ("knowledge base", "Rasa's environment"):
        at = next(i for i, line in enumerate(lines) if part in line and "FAIL" in line)
        assert "to mend:" in lines[at + 1]
    assert len(lines) < 40
