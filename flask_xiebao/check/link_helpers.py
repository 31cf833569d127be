"""Makes and reads links for a site's tests."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..app.endpoints import build_entry_link
from ..app.state import get_current_app_state
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
    return build_entry_link(get_current_app_state(), entry, external=external)


def entry_of(link: str) -> Entry | None:
    """Return what a link of the current app says, however old; None when it is not one.

    :param link: a path or a whole URL.
    :raises ConfigError: when the app has no Xiebao.
    """
    try:
        return get_current_app_state().signer.parse_entry_token(
            urlsplit(link).path.rpartition("/")[2]
        )
    except (TokenError, ValueError):  # it is not a link, or not even a URL
        return None
