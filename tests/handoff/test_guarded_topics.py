"""Which words and tags go to a person at once: tables, and the list that Baton ships."""

import pytest

from handoff.errors import SettingsError
from handoff.guarded_topics import GuardedTopics, parse_topics
from handoff.phrases import Phrases
from handoff.settings import ROOT

SHIPPED = parse_topics((ROOT / "handoff" / "guarded_topics.yml").read_text(), source="guarded_topics.yml")

PHRASES: list[tuple[str, str, bool]] = [
    ("sue", "I will sue!", True),
    ("sue", "This issue again", False),
    ("sue", "SUE", True),
    ("sue you", "I'll sue\n  you", True),
    ("sue you", "sue, you know", True),
    ("sue you", "you sue", False),
    ("abogado", "un ABOGADO.", True),
    ("anwältin", "meine Anwaltin", True),
    ("anwältin", "meine ANWÄLTIN", True),
    ("décharge", "une de\u0301charge", True),
    ("suicid*", "suicidal", True),
    ("suicid*", "suicid", True),
    ("suicid*", "unsuicidal", False),
    ("don't", "I dont", False),
    ("don't", "I don\u2019t", True),
    ("lawyer", "\uff2c\uff41\uff57\uff59\uff45\uff52", True),
    ("straße", "STRASSE", True),
    ("弁護士", "私の弁護士に聞きます", True),
    ("소송", "소송을 하겠습니다", False),
    ("소송*", "소송을 하겠습니다", True),
    ("a.b", "axb", False),
    ("lawyer", "law yer", False),
    ("lawyer", "", False),
    ("lawyer", "law*", False),
]


@pytest.mark.parametrize(("phrase", "text", "is_found"), PHRASES)
def test_phrase_is_found_as_whole_words_in_any_spelling(phrase: str, text: str, is_found: bool) -> None:
    assert Phrases(["something else", phrase]).find(text) == (phrase if is_found else None)


def test_empty_list_finds_nothing() -> None:
    assert Phrases([]).find("anything") is None
    assert Phrases(["", " ! "]).find("anything !") is None


GUARDED = [
    ("self_harm", "i just want to die"),
    ("self_harm", "Ich will nicht mehr leben"),
    ("self_harm", "quiero morir"),
    ("self_harm", "J'ai envie de mourir"),
    ("safety", "the router caught fire last night"),
    ("safety", "huele a fuga de gas"),
    ("legal", "You will hear from my lawyers."),
    ("legal", "Mein Anwalt meldet sich"),
    ("legal", "Mi abogada le escribirá"),
    ("legal", "une mise en demeure suivra"),
    ("payment_dispute", "I started a chargeback with my bank"),
    ("payment_dispute", "Ich will die Zahlung anfechten"),
    ("payment_dispute", "quiero disputar el cargo"),
    ("payment_dispute", "un prélèvement non autorisé"),
]


@pytest.mark.parametrize(("topic", "text"), GUARDED)
def test_shipped_list_knows_each_topic_in_four_languages(topic: str, text: str) -> None:
    found = SHIPPED.find_topic(text)
    assert found is not None
    assert found.startswith(f"{topic}: ")


@pytest.mark.parametrize(
    "text",
    [
        "how do i delete my account",
        "why was i charged twice",
        "this issue is killing me",
        "my site died",
        "the certificate is not safe",
        "how do i kill a process",
        "can i get a refund",
        "Wie ändere ich meine Zahlungsart?",
        "¿Cómo cambio mi contraseña?",
        "Où trouver mes factures ?",
    ],
)
def test_shipped_list_leaves_everyday_questions_to_the_bot(text: str) -> None:
    assert SHIPPED.find_topic(text) is None


def test_article_with_a_guarded_tag_is_named_with_its_topic() -> None:
    topics = GuardedTopics(tags={"legal": ["Legal", "court"]})
    assert topics.find_tag(["billing", "legal "]) == "legal: article tagged legal "
    assert topics.find_tag(["billing", "legalese"]) is None


@pytest.mark.parametrize(
    "text", ["- a list", "legal: [lawyer]", "legal: {wrods: [lawyer]}", "legal: {words: 3}", "a: ["]
)
def test_list_of_another_shape_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"topics in mine\.yml"):
        parse_topics(text, source="mine.yml")


def test_empty_file_guards_nothing() -> None:
    assert parse_topics("# nothing\n", source="mine.yml").find_topic("lawyer") is None
