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


@pytest.mark.parametrize(
    ("language", "asked", "used"),
    [
        ("en", "unsend", "send"),
        ("en", "unshare", "share"),
        ("en", "deactivate", "activate"),
        ("en", "subscribe", "unsubscribe"),
        ("en", "decrypt", "encrypt"),
        ("de", "anmelden", "abmelden"),
        ("de", "deaktivieren", "aktivieren"),
        ("fr", "déconnecter", "connecter"),
        ("fr", "réactiver", "désactiver"),
        ("es", "desinstalar", "instalar"),
    ],
)
def test_words_that_a_prefix_tells_apart_are_no_misspellings(language: str, asked: str, used: str) -> None:
    assert mend(asked, build_speller(language, {used: 3}), language) == asked
    assert mend(used, build_speller(language, {asked: 3}), language) == used


def test_where_words_have_no_spaces_nothing_is_mended() -> None:
    japanese = build_speller("ja", count_surfaces("注文を変更する", "ja"))
    assert mend("注文を返品する", japanese, "ja") == "注文を返品する"
    thai = build_speller("th", count_surfaces("การตั้งค่า", "th"))
    assert mend("การตั้งคา", thai, "th") == "การตั้งคา"


def test_vowel_signs_belong_to_their_word() -> None:
    assert count_surfaces("पासवर्ड रीसेट", "hi") == {"पासवर्ड": 1, "रीसेट": 1}
    assert mend("पासवर्ड", build_speller("hi", {"पासवर्ड": 3}), "hi") == "पासवर्ड"
