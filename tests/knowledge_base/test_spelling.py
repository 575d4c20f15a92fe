"""Misspelt words: which word of the articles they stand for, and which ones are none of ours."""

from collections import Counter
from collections.abc import Mapping

import pytest

from knowledge_base.spelling import Speller, Vocabulary, correct_spelling, count_stems, count_surfaces


def build_speller(language: str, counts: Mapping[str, int]) -> Speller:
    return Speller(language, [Vocabulary(counts, count_stems(counts, language))], Vocabulary({}, {}))


ENGLISH = build_speller(
    "en",
    count_surfaces(
        "Create an account with the agency. The agencies verify accounts in person. Backup codes, deactivated. "
        "Why is my account deactivated? Activation of the address on an invoice; don't share photos.",
        "en",
    ),
)
SPANISH = build_speller(
    "es", count_surfaces("Fraude y seguridad: métodos de autenticación, códigos de recuperación", "es")
)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("ccount", "account"),
        ("qcocount", "account"),
        ("gaencies", "agencies"),
        ("Vyerifx", "verify"),
        ("dgactivated", "deactivated"),
        ("Cerate", "create"),
        ("iwth", "with"),
        ("dotn", "dont"),
        ("pizza", None),
        ("wel", None),
    ],
)
def test_nearest_word_of_the_articles_is_suggested(misspelt: str, meant: str | None) -> None:
    assert ENGLISH.suggest(misspelt) == meant


def test_of_words_equally_near_the_commonest_is_suggested() -> None:
    assert build_speller("en", Counter(cards=1, carts=5, parts=9)).suggest("carrs") == "carts"
    assert build_speller("en", Counter(cards=1, carts=5, zarts=9)).suggest("carrts") == "carts"


def test_known_words_in_any_form_stay() -> None:
    assert [word in ENGLISH for word in ("codes", "code", "verifying", "pizza")] == [True, True, True, False]


def mend(text: str, speller: Speller = ENGLISH, language: str = "en", *, known: str = "") -> str:
    return correct_spelling(text, language, speller=speller, is_word=lambda word: word in known.split())


def test_spelling_is_mended_with_the_articles_words_only() -> None:
    assert mend("Chaneg the adress on my invoyce?") == "Chaneg the address on my invoice?"
    assert mend("my pizza is cold") == "my pizza is cold"
    assert mend("dont shar phots") == "dont share photos"
    assert mend("phots", known="phots") == "phots"
    assert mend("12345 vpn") == "12345 vpn"


def test_accents_and_apostrophes_do_not_count_as_mistakes() -> None:
    assert mend("Mqtodos de autneticacion", SPANISH, "es") == "métodos de autenticación"
    assert mend("los codigos", SPANISH, "es") == "los codigos"
    french = build_speller("fr", count_surfaces("L’application d'authentification", "fr"))
    assert mend("l'aplication d’athentificatiop", french, "fr") == "l'application d’authentification"


def test_model_knows_words_of_its_own_language_only() -> None:
    assert mend("fraede", SPANISH, "es", known="fraede") == "fraude"


def test_no_articles_suggest_nothing() -> None:
    assert build_speller("en", {}).suggest("account") is None
