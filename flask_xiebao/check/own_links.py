"""Makes and reads links for a site's tests."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..app.endpoints import entry_url
from ..app.state import current_state
from ..errors import TokenError
from ..links.tokens import Entry


def link_to(entry: Entry, *, external: bool = False) -> str:
    """Return the current app's link to *entry*, signed when it says: one that is past, say.

    Without a request it is absolute, as every link is.

    :param entry: what the link leads to; ``signed_at=0`` makes it one of 1970.
    :param external: make an absolute URL.
    :raises LinkError: when it cannot be built.
    :raises ConfigError: when the app has no Xiebao.
    """
    return entry_url(current_state(), entry, external=external)


def entry_of(link: str) -> Entry | None:
    """Return what a link of the current app says, however old; None when it is not one.

    :param link: a path or a whole URL.
    :raises ConfigError: when the app has no Xiebao.
    """
    try:
        return current_state().signer.loads(urlsplit(link).path.rpartition("/")[2])
    except (TokenError, ValueError):  # it is not a link, or not even a URL
        return None
