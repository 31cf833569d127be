"""Links as a site's tests need them."""

from __future__ import annotations

from ..links import Entry
from ..state import current_state
from ..urls import entry_url


def link_to(entry: Entry, *, external: bool = False) -> str:
    """Return the current app's link to *entry*, signed when it says: one that is past, say.

    Without a request it is absolute, as every link is.

    :param entry: what the link leads to; ``signed_at=0`` makes it one of 1970.
    :param external: make an absolute URL.
    :raises LinkError: when it cannot be built.
    :raises ConfigError: when the app has no Xiebao.
    """
    return entry_url(current_state(), entry, external=external)
