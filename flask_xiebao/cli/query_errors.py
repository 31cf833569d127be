"""The messages of the commands about order queries that fail."""

from __future__ import annotations

from ..errors import OrderError, XiebaoError
from ..texts import get_text

# Words in the gateway's message, and the text key for what the message most likely means. The codes
# of real refusals are not documented.
_MEANINGS_BY_WORD = {"签名": "signature", "不存在": "unknown"}


def describe_query_error(error: XiebaoError, locale: str) -> str:
    """Return sentences that explain why an order query failed.

    They contain the gateway's message, which may name a person, so they must not be logged.

    :param locale: The language of the sentences. An error that is no refusal by the gateway is in
        English.
    """
    if not isinstance(error, OrderError) or error.code is None:
        return str(error)
    key = "query.refused" if error.gateway_message else "query.refused_without_message"
    description = get_text(locale, key, code=error.code, message=error.gateway_message)
    for word, meaning in _MEANINGS_BY_WORD.items():
        if word in error.gateway_message:
            advice = get_text(locale, f"query.means.{meaning}")
            return get_text(locale, "list.sentences", first=description, then=advice)
    return description
