"""Sphinx directives that generate parts of the manual from the code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from translate import MESSAGES, read_translations

from flask_xiebao.app.settings import Settings, get_setting_name
from flask_xiebao.check.report import RULE_PREFIX, get_rules
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.texts import en, get_locales, get_text_and_locale, get_visitor_text_keys, zh

#: The column headings for the table of texts, by language.
TEXT_HEADINGS = {"en": ("name", "Chinese", "English"), "zh": ("名字", "中文", "英文")}
#: The column headings for the table of the check's rules, by language.
RULE_HEADINGS = {"en": ("rule", "explanation"), "zh": ("规则", "说明")}
#: The link from a message to the page that explains more, by language.
MORE = {"en": " More: [](../{}.md).", "zh": "详见：[](../{}.md)。"}

#: The groups of settings that have their own headings in the manual, by the name of the setting.
#: All other settings are in the group "other".
GROUPS = {
    **dict.fromkeys(("partner_id", "api_key", "env"), "needed"),
    **dict.fromkeys(("public_url", "member_secret", "notify_token", "login_view"), "production"),
}

# The Chinese messages of the commands, by the English message. "…" replaces the variable parts.
_VALUE = re.compile(r"\{\w+\}")
_CHINESE_MESSAGES = {
    _VALUE.sub("…", text): _VALUE.sub("…", zh.TEXTS[key]) for key, text in en.TEXTS.items()
}

_SETTING = re.compile(r"`(XIEBAO_\w+)`")
_UNQUOTED_SETTING = re.compile(r"\bXIEBAO_[A-Z_]+\b")
# The characters that Markdown would interpret in the explanation of a rule.
_MARKDOWN_CHARACTERS = re.compile(r"[\\<>{}\[\]*|]")
# The minimum number of words in the HTML id of a message.
_MIN_ID_WORDS = 6


class SettingsDirective(SphinxDirective):
    """A directive that lists a group of settings, with their defaults and their comments."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the documentation of each setting in the group, as a ``confval``."""
        comments = ModuleAnalyzer.for_module(Settings.__module__).find_attr_docs()
        lines = []
        for setting in fields(Settings):
            if GROUPS.get(setting.name, "other") == self.arguments[0]:
                default = setting.default if isinstance(setting.default, str | int) else None
                lines += [
                    f".. confval:: {get_setting_name(setting.name)}",
                    f"   :default: ``{default!r}``" if default or default is False else "",
                    "",
                    *(f"   {line}" for line in comments["Settings", setting.name]),
                    "",
                ]
        return self.parse_text_to_nodes("\n".join(lines))


class TextsDirective(SphinxDirective):
    """A directive that lists the texts that ``XIEBAO_TEXTS`` can replace, in each language."""

    def run(self) -> list[nodes.Node]:
        """Return a table of the replaceable texts, with a column for each language."""
        page_texts = {
            f"{page.name}.{kind}": text
            for page in PAGES.values()
            for kind, text in (("label", page.button_label), ("on_phone", page.handoff_title))
            if text
        }
        lines = [".. list-table::", "   :widths: auto", "   :header-rows: 1", ""]
        lines += _build_table_row(*TEXT_HEADINGS[_get_language(self.config)])
        for key in (*get_visitor_text_keys(), *page_texts):
            texts = (
                get_text_and_locale(locale, key, page_texts.get(key))[0].strip()
                for locale in reversed(get_locales())
            )
            lines += _build_table_row(
                f"``{key}``", *(f"``{text}``" if text else "—" for text in texts)
            )
        return self.parse_text_to_nodes("\n".join(lines))


class RulesDirective(SphinxDirective):
    """A directive that lists the rules of ``flask xiebao check`` with their explanations."""

    def run(self) -> list[nodes.Node]:
        """Return a table of the rules, in the language of the manual."""
        language = _get_language(self.config)
        texts = {"en": en, "zh": zh}[language].TEXTS
        rows = [
            RULE_HEADINGS[language],
            ("---", "---"),
            *(
                (f"`{rule}`", _escape_explanation(texts[RULE_PREFIX + rule]))
                for rule in get_rules()
            ),
        ]
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in rows))


class MessagesDirective(SphinxDirective):
    """A directive that lists the package's messages, with the advice from ``messages.toml``."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each kind of message, with a list of the messages and advice."""
        language = _get_language(self.config)
        translations = read_translations("messages") if language == "zh" else {}
        sections: list[nodes.Node] = []
        ids: set[str] = set()
        for kind in tomllib.loads(MESSAGES.read_text("utf-8"))["section"]:
            section = nodes.section(ids=[kind["id"]], names=[kind["id"]])
            title = translations.get(kind["en"]) or kind["en"]
            section += nodes.title("", "", *self.parse_inline(title)[0])
            # Sphinx adds "simple" only to lists without further paragraphs, and the theme shows all
            # other lists in gray.
            section += (items := nodes.definition_list(classes=["messages", "simple"]))
            for message in kind["message"]:
                text = message["text"]
                ids.add(message_id := _build_message_id(text, ids))
                literal = nodes.literal(text, text, classes=["message"])
                advice = translations.get(message["en"]) or message["en"]
                advice = _SETTING.sub(r"{confval}`\1`", advice)
                # Link only to existing pages, because a new page may not exist in Chinese yet.
                if message.get("see") in self.env.found_docs:
                    advice += MORE[language].format(message["see"])
                definition = nodes.definition("")
                if language == "zh" and (chinese := _CHINESE_MESSAGES.get(text)):
                    definition += nodes.paragraph("", "", nodes.literal(chinese, chinese))
                definition += self.parse_text_to_nodes(advice)
                term = nodes.term("", "", literal, ids=[message_id])
                items += nodes.definition_list_item("", term, definition)
            sections.append(section)
        return sections


def _get_language(config: Config) -> str:
    """Return the language of the manual, ``"en"`` or ``"zh"``."""
    return "zh" if config.language.startswith("zh") else "en"


def _escape_explanation(text: str) -> str:
    """Return a rule's explanation as Markdown, with links to settings and "…" for each value."""
    parts = _VALUE.sub("…", text).split("`")
    # The parts with an odd index are code.
    for index in range(0, len(parts), 2):
        escaped = _MARKDOWN_CHARACTERS.sub(r"\\\g<0>", parts[index])
        parts[index] = _UNQUOTED_SETTING.sub(r"{confval}`\g<0>`", escaped)
    return "`".join(parts)


def _build_table_row(*cells: str) -> list[str]:
    """Return the reStructuredText lines for one row of a ``list-table``."""
    return [f"   {' ' if column else '*'} - {cell}" for column, cell in enumerate(cells)]


def _build_message_id(message: str, ids: set[str]) -> str:
    """Return an HTML id from the first words of a message, with enough words to be unique."""
    words = nodes.make_id(message).split("-")
    counts = range(min(_MIN_ID_WORDS, len(words)), len(words) + 1)
    candidates = ("-".join(words[:count]) for count in counts)
    return next(candidate for candidate in candidates if candidate not in ids)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives with Sphinx."""
    app.add_directive("settings", SettingsDirective)
    app.add_directive("texts", TextsDirective)
    app.add_directive("messages", MessagesDirective)
    app.add_directive("rules", RulesDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
