"""What visitors write and how the real bot understands it; none of these sentences is in the training data."""

from pathlib import Path

import httpx
import pytest
import yaml

from tests.bot.conftest import BOT_FOLDER

pytestmark = pytest.mark.slow

UTTERANCES = {
    "ask_for_person": [
        "Could I please speak with one of your colleagues about it?",
        "this is not helping, get me someone please",
        "is anyone actually there??",
        "would you put me through to a human being",
        "PUT ME ON TO A PERSON RIGHT NOW",
        "i want to speak with a real employee",
        "can i pls talk to sombody",
        "your bot is a waste of space, get me an agent",
        "for gods sake let me talk to a human",
        "stop it, i want a real person",
        "I'd sooner talk to one of your staff",
        "agent pleeease",
        "i need to talk with someone at your company today",
        "hi, could you connect me with one of your people",
        "can someone from support ring me back this evening",
        "no more robots, give me your manager",
        "quiero hablar con una persona de verdad",
        "je voudrais parler avec une personne s'il vous plaît",
        "ich möchte bitte mit einem echten menschen sprechen",
    ],
    "question": [
        "hello, how do i get my deposit back?",
        "good morning, the washing machine shows E18",
        "how do i transfer my pension to you",
        "can i send money to somebody in kenya",
        "how do i invite people to my calendar",
        "our agent forgot to sign page two, what now",
        "the engineer never turned up this morning",
        "who can read the comments on my document",
        "call waiting doesn't work on my phone",
        "is there a fee for paying late",
        "voicemail pin",
        "late fees",
        "scratched lens",
        "what happens to my points when i leave",
        "my damn parcel is late again",
        "where do i see how much data is left",
        "thanks! and how do i undo that?",
        "cómo devuelvo unos zapatos",
        "wie kann ich meine adresse ändern",
    ],
    "greeting": ["hello there!", "good evening to you all", "hola, buenos días", "guten morgen zusammen"],
    "thanks": ["thank you so very much", "thanks for all your help", "merci beaucoup !", "vielen dank für alles"],
    "goodbye": ["goodbye then", "bye, have a nice evening"],
    "affirm": ["yes, please", "yeah ok", "sí, por favor", "ja, sehr gerne"],
    "deny": ["no, thanks", "nope, not now", "nein, bitte nicht"],
    "not_helpful": ["that didn't help me", "that is not what i asked you"],
    "frustration": ["this is so ridiculous", "you are absolutely useless"],
    "are_you_a_bot": ["are you a robot or a person?", "am i talking to a computer?"],
    "ask_for_contact": ["what's the phone number?", "how can i contact you by phone"],
    "solved": ["ok that worked, thanks", "great, it works now"],
}
# A wrong one among these sends a visitor away, or fetches a person whom nobody asked for.
TABLE = [(text, intent) for intent, texts in UTTERANCES.items() for text in texts]


def test_the_table_is_long_enough_and_not_trained_on():
    trained = set()
    for path in Path(BOT_FOLDER, "data/nlu").glob("*.yml"):
        for entry in yaml.safe_load(path.read_text())["nlu"]:
            trained.update(line[2:].strip().casefold() for line in entry["examples"].splitlines())
    assert "get me a human" in trained
    assert len(TABLE) >= 40
    assert not {text for text, _ in TABLE if text.casefold() in trained}


@pytest.mark.parametrize(("text", "intent"), TABLE)
def test_utterance_is_understood(bot_client: httpx.Client, text: str, intent: str):
    parsed = bot_client.post("/model/parse", json={"text": text}).json()["intent"]
    # What falls back is a question, too: see the rules.
    understood = "question" if parsed["name"] == "nlu_fallback" else parsed["name"]
    assert understood == intent, parsed
