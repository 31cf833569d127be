"""The Sphinx configuration for the English and the Chinese manual."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as get_version
from pathlib import Path

from sphinx.pycode import ModuleAnalyzer

import flask_xiebao
import flask_xiebao.testing

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

# The manual documents public classes as members of the package, so autodoc looks for attribute
# comments in the package. Copy these comments from the modules that define the classes.
for _package, _modules in (
    (flask_xiebao, ("gateway.notifications", "gateway.orders", "app.signals")),
    (flask_xiebao.testing, ("check.devices", "check.report")),
):
    _package_comments = ModuleAnalyzer.for_module(_package.__name__).find_attr_docs()
    for _module in _modules:
        _comments = ModuleAnalyzer.for_module(f"flask_xiebao.{_module}").find_attr_docs()
        for (_class, _name), _lines in _comments.items():
            if (_class or _name) in _package.__all__:
                _package_comments[_class, _name] = _lines
for _name in flask_xiebao.__all__:
    if hasattr(_public := getattr(flask_xiebao, _name), "__module__"):
        _public.__module__ = "flask_xiebao"

# Read the Docs builds each language as a separate project, and sets ``READTHEDOCS_LANGUAGE``.
language = "zh_CN" if os.environ.get("READTHEDOCS_LANGUAGE", "en").startswith("zh") else "en"
_is_chinese = language == "zh_CN"

project = "Flask-Xiebao"
author = "The Flask-Xiebao authors"
project_copyright = f"2026, {author}"
version = release = get_version("Flask-Xiebao")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "generated",
    "markup",
    "search",
]
exclude_patterns = ["build"]
templates_path = ["_templates"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
smartquotes = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
python_use_unqualified_type_names = True
# Show "Callable" instead of the type variables of decorators, because the docstrings of the
# decorators already describe the functions that they accept.
autodoc_type_aliases = dict.fromkeys(
    ("ClickGuard", "KeepsPlainKey", "MemberLoader", "NotificationHandler", "NotificationReader"),
    "Callable",
)
gettext_compact = False
gettext_location = False
locale_dirs = [str(DOCS / "locale")]

html_theme = "furo"
html_title = "Flask-Xiebao 手册" if _is_chinese else "Flask-Xiebao"
html_static_path = ["_static", "../.venv/docs/node_modules/minisearch/dist/umd/index.js"]
html_css_files = ["manual.css"]
html_js_files = [("manual.js", {"defer": "defer"})]
html_favicon = "../demo_app/static/icon.svg"
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False
html_use_index = False
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b7d73",
        "color-brand-content": "#0a6e66",
        "color-brand-visited": "#5b4b8a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fc3b5",
        "color-brand-content": "#63cfc2",
        "color-brand-visited": "#b9a8ea",
    },
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "languages.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {
    # The manual in the other language is in a sibling folder. On Read the Docs, it has another URL.
    "other_language": "English" if _is_chinese else "中文",
    "other_code": "en" if _is_chinese else "zh-CN",
    "other_manual": os.environ.get("READTHEDOCS_CANONICAL_URL", "").replace(
        *("/zh-cn/", "/en/") if _is_chinese else ("/en/", "/zh-cn/")
    )
    or ("../en/" if _is_chinese else "../zh/"),
}
# The copy button copies a command without its prompt.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
