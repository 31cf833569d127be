"""Tests for the texts of pages, reports and commands in each locale."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import flask_xiebao
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.gateway.platforms import Platform
from flask_xiebao.links.access_rules import REFUSALS, Refusal
from flask_xiebao.simulator.document import PAGE_SPECS
from flask_xiebao.texts import (
    find_placeholders,
    get_locales,
    get_nearest_locale,
    get_text,
    get_text_and_locale,
)

PACKAGE = Path(flask_xiebao.__file__).parent
LOCALES = get_locales()


def get_texts(locale: str) -> dict[str, str]:
    texts: dict[str, str] = import_module(f"flask_xiebao.texts.{locale}").TEXTS
    return texts


#: Keys of texts that the tables of gateway pages contain in English, so only other locales need
#: these keys.
TABLE_KEYS = {
    *(f"{name}.{word}" for name in PAGES for word in ("label", "on_phone", "title")),
    *(f"meaning.{name}" for row in PAGE_SPECS for name in row.meanings),
}


@pytest.mark.parametrize("locale", LOCALES)
def test_locale_has_no_unknown_text_keys(locale: str) -> None:
    assert get_texts(locale).keys() <= get_texts("en").keys() | TABLE_KEYS


@pytest.mark.parametrize("locale", LOCALES)
def test_texts_use_only_known_placeholders(locale: str) -> None:
    # The package formats all texts with the prefix "problem." with the same values, so a locale may
    # use any of these values.
    problem_values = {"parameter", "value", "meaning", "section", "platforms", "pages"}
    for key, text in get_texts(locale).items():
        english_values = find_placeholders(get_texts("en").get(key, ""))
        values = problem_values if key.startswith("problem.") else english_values
        assert find_placeholders(text) <= values, key


def test_english_has_every_text_key_used_in_code() -> None:
    code = "\n".join(
        file.read_text("utf-8") for file in PACKAGE.rglob("*") if file.suffix in (".py", ".html")
    )
    keys = {
        *re.findall(r"""\btext\((?:(?:locale|"en"), )?["'](?!en["'])([a-z_.]+)["']""", code),
        *re.findall(r"""_xiebao_text\("([a-z_.]+)\"""", code),
        *(f"problem.{name}" for name in re.findall(r'Problem\("([a-z_]+)"', code)),
    }
    assert len(keys) > 30
    assert keys <= get_texts("en").keys()


@pytest.mark.parametrize("locale", LOCALES)
def test_tables_have_texts_in_every_locale(locale: str) -> None:
    texts_by_key = {
        **{f"{page.name}.label": page.button_label for page in PAGES.values()},
        **{f"{row.name}.title": row.title for row in PAGE_SPECS},
        **{f"meaning.{name}": texts for row in PAGE_SPECS for name, texts in row.meanings.items()},
    }
    # The locale is compared because English replaces a missing text.
    assert {
        key: get_text_and_locale(locale, key, texts)[1] for key, texts in texts_by_key.items()
    } == dict.fromkeys(texts_by_key, locale)
    for page in PAGES.values():
        assert Platform.PC in page.platforms or page.handoff_title[locale]


def test_chinese_has_every_english_text() -> None:
    assert get_texts("en").keys() <= get_texts("zh").keys()


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_refusal_has_texts_for_its_page(refusal: Refusal) -> None:
    parts = ["title", "text", *(["elsewhere"] if refusal.login_helps else [])]
    keys = {f"notice.{refusal.reason}.{part}" for part in parts}
    assert keys <= get_texts("en").keys()


def test_every_documented_parameter_has_meaning() -> None:
    parameters = {name for row in PAGE_SPECS for name in (*row.required, *row.optional)}
    assert {f"meaning.{name}" for name in parameters} <= get_texts("en").keys() | TABLE_KEYS


@pytest.mark.parametrize(
    ("requested", "nearest"),
    [
        *[(name, "zh") for name in ("zh", "ZH", "zh-CN", "zh_CN", "zh_Hant_TW", "zh-Hans")],
        *[(name, "en") for name in ("en", "en_GB", "en-US")],
        *[(name, "en") for name in ("de", "", "../zh", "zhx", "__init__", "..zh", "5", "_")],
    ],
)
def test_nearest_locale_is_found_by_language(requested: str, nearest: str) -> None:
    assert get_nearest_locale(requested) == nearest
    assert get_text(requested, "language") == get_text(nearest, "language")


def test_unknown_text_key_raises_key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        get_text("zh", "nothing")
