"""What visitors and QA read, in every locale that there is."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import flask_xiebao
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.gateway.platforms import Platform
from flask_xiebao.links.access_rules import REFUSALS
from flask_xiebao.simulator.document import PAGE_SPECS
from flask_xiebao.texts import (
    find_placeholders,
    get_locales,
    get_nearest_locale,
    get_text,
    get_text_and_locale,
)

PACKAGE = Path(flask_xiebao.__file__).parent
EVERY = get_locales()


def texts_of(locale: str) -> dict[str, str]:
    texts: dict[str, str] = import_module(f"flask_xiebao.texts.{locale}").TEXTS
    return texts


#: What a file may have words for that are not in English: those of the tables' rows.
OF_ROWS = {
    *(f"{name}.{word}" for name in PAGES for word in ("label", "on_phone", "title")),
    *(f"meaning.{name}" for row in PAGE_SPECS for name in row.meanings),
}


@pytest.mark.parametrize("locale", EVERY)
def test_a_locale_has_words_for_nothing_that_is_not_there(locale: str) -> None:
    assert texts_of(locale).keys() <= texts_of("en").keys() | OF_ROWS


@pytest.mark.parametrize("locale", EVERY)
def test_a_text_names_what_it_is_given(locale: str) -> None:
    # A problem is told all that is known of it: which of that it needs is up to the language.
    of_a_problem = {"parameter", "value", "meaning", "section", "platforms", "pages"}
    for key, words in texts_of(locale).items():
        given = find_placeholders(texts_of("en").get(key, ""))
        assert find_placeholders(words) <= (
            of_a_problem if key.startswith("problem.") else given
        ), key


def test_english_has_every_text_that_is_asked_for() -> None:
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")]
    asked = set()
    for source in sources:
        words = source.read_text("utf-8")
        asked |= set(
            re.findall(r"""\btext\((?:(?:locale|"en"), )?["'](?!en["'])([a-z_.]+)["']""", words)
        )
        asked |= set(re.findall(r"""_xiebao_text\("([a-z_.]+)\"""", words))
        asked |= {f"problem.{code}" for code in re.findall(r'Problem\("([a-z_]+)"', words)}
    assert len(asked) > 30
    assert asked <= texts_of("en").keys()


@pytest.mark.parametrize("locale", EVERY)
def test_the_tables_have_words(locale: str) -> None:
    for page in PAGES.values():
        assert get_text_and_locale(locale, f"{page.name}.label", page.button_label)[0]
        assert Platform.PC in page.platforms or page.handoff_title[locale]
        assert (page.reference_parameter_name is None) == (page.sample_reference is None)
    for row in PAGE_SPECS:
        assert row.get_title(locale)


def test_chinese_has_every_text_that_english_has() -> None:
    assert texts_of("en").keys() <= texts_of("zh").keys()


def test_visitors_read_why_they_are_refused() -> None:
    for refusal in REFUSALS.values():
        words = ["title", "text", *(["elsewhere"] if refusal.login_helps else [])]
        assert {f"notice.{refusal.reason}.{word}" for word in words} <= texts_of("en").keys()


def test_reports_of_a_check_have_words_for_each_refusal() -> None:
    reasons = {refusal.reason for refusal in REFUSALS.values()}
    assert {f"check.ends.{reason}" for reason in reasons} <= texts_of("en").keys()


def test_a_row_of_the_document_explains_every_parameter() -> None:
    for row in PAGE_SPECS:
        for name in (*row.required, *row.optional):
            own = next((each.meanings[name] for each in PAGE_SPECS if name in each.meanings), None)
            assert get_text_and_locale("en", f"meaning.{name}", own)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        *[(name, "zh") for name in ("zh", "ZH", "zh-CN", "zh_CN", "zh_Hant_TW", "zh-Hans")],
        *[(name, "en") for name in ("en", "en_GB", "en-US")],
        *[(name, "en") for name in ("de", "", "../zh", "zhx", "__init__", "..zh", "5", "_")],
    ],
)
def test_a_locale_is_found_by_its_language(asked: str, found: str) -> None:
    assert get_nearest_locale(asked) == found
    assert get_text(asked, "language") == get_text(found, "language")


def test_a_text_that_nobody_has_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        get_text("zh", "nothing")
