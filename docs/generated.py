"""What the manual takes from the code: the settings, and the messages with what to do."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from translate import MESSAGES, chinese_of

from flask_xiebao.app.settings import Settings, get_setting_name
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.texts import en, get_locales, get_text_and_locale, get_visitor_text_keys, zh

HEAD = {"en": ("name", "Chinese", "English"), "zh": ("名字", "中文", "英文")}
MORE = {"en": " More: [](../{}.md).", "zh": "详见：[](../{}.md)。"}

#: The settings that are not among the others of their page.
GROUPS = {
    **dict.fromkeys(("partner_id", "api_key", "env"), "needed"),
    **dict.fromkeys(("public_url", "member_secret", "notify_token", "login_view"), "production"),
}

# What the commands say with --locale zh, by its English.
_VALUE = re.compile(r"\{\w+\}")
_IN_CHINESE = {
    _VALUE.sub("…", english): _VALUE.sub("…", zh.TEXTS[name]) for name, english in en.TEXTS.items()
}

_SETTING = re.compile(r"`(XIEBAO_\w+)`")
_FEWEST_WORDS = 6


class SettingsDirective(SphinxDirective):
    """A group of settings with their defaults, and what is said of them in ``app/settings.py``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a description of each, to which ``confval`` roles link."""
        comments = ModuleAnalyzer.for_module(Settings.__module__).find_attr_docs()
        lines = []
        for setting in fields(Settings):
            if GROUPS.get(setting.name, "other") != self.arguments[0]:
                continue
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
    """Every text that ``XIEBAO_TEXTS`` can replace, in each language."""

    def run(self) -> list[nodes.Node]:
        """Return a table of them."""
        of_pages = {
            f"{page.name}.{kind}": words
            for page in PAGES.values()
            for kind, words in (("label", page.button_label), ("on_phone", page.handoff_title))
            if words
        }
        lines = [".. list-table::", "   :widths: auto", "   :header-rows: 1", ""]
        lines += _row(*HEAD[_language(self.config)])
        for name in (*get_visitor_text_keys(), *of_pages):
            said = (
                get_text_and_locale(locale, name, of_pages.get(name))[0]
                for locale in reversed(get_locales())
            )
            lines += _row(f"``{name}``", *map(_literal, said))
        return self.parse_text_to_nodes("\n".join(lines))


class MessagesDirective(SphinxDirective):
    """Every message of the package, with what to do about it."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each kind, and in it a list of the messages."""
        language = _language(self.config)
        words = chinese_of("messages") if language == "zh" else {}
        found: list[nodes.Node] = []
        taken: set[str] = set()
        for kind in tomllib.loads(MESSAGES.read_text("utf-8"))["section"]:
            section = nodes.section(ids=[kind["id"]], names=[kind["id"]])
            title = words.get(kind["en"]) or kind["en"]
            section += nodes.title("", "", *self.parse_inline(title)[0])
            section += (items := nodes.definition_list(classes=["messages"]))
            for message in kind["message"]:
                text = nodes.literal(message["text"], message["text"], classes=["message"])
                taken.add(anchor := _anchor(message["text"], taken))
                said = words.get(message["en"]) or message["en"]
                advice = _SETTING.sub(r"{confval}`\1`", said)
                page = message.get("see")
                if page in self.env.found_docs:  # a new one is not there in Chinese at once
                    advice += MORE[language].format(page)
                spoken = _IN_CHINESE.get(message["text"]) if language == "zh" else None
                also = [nodes.paragraph("", "", nodes.literal(spoken, spoken))] if spoken else []
                items += nodes.definition_list_item(
                    "",
                    nodes.term("", "", text, ids=[anchor]),
                    nodes.definition("", *also, *self.parse_text_to_nodes(advice)),
                )
            found.append(section)
        return found


def _language(config: Config) -> str:
    return "zh" if config.language.startswith("zh") else "en"


def _row(*cells: str) -> list[str]:
    """Return the lines of a row of a ``list-table``."""
    return [f"   {'*' if at == 0 else ' '} - {cell}" for at, cell in enumerate(cells)]


def _anchor(message: str, taken: set[str]) -> str:
    """Return the first words of a message, as many as tell it from those before."""
    words = nodes.make_id(message).split("-")
    fewest = min(_FEWEST_WORDS, len(words))
    starts = ("-".join(words[:number]) for number in range(fewest, len(words) + 1))
    return next(start for start in starts if start not in taken)


def _literal(text: str) -> str:
    return f"``{text.strip()}``" if text.strip() else "—"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("settings", SettingsDirective)
    app.add_directive("texts", TextsDirective)
    app.add_directive("messages", MessagesDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
