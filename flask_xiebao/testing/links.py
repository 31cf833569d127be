"""Links as a site's tests need them."""

from __future__ import annotations

from flask import current_app

from ..extension import Xiebao
from ..links import Entry
from ..urls import entry_url


def link_to(entry: Entry, *, external: bool = False) -> str:
    """Return the current app's link to *entry*, signed when it says: one that is past, say.

    Without a request it is absolute, as every link is.

    :param entry: what the link leads to; ``signed_at=0`` makes it one of 1970.
    :param external: make an absolute URL.
    :raises LinkError: when it cannot be built.
    :raises ConfigError: when the app has no Xiebao.
    """
    # Of an app that has none, one that serves no app says so.
    xiebao: Xiebao = current_app.extensions.get("xiebao") or Xiebao()
    return entry_url(xiebao.state, entry, external=external)
