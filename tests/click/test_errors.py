"""Errors as data: what is wrong can be read without reading the message.

Which argument is wrong is in the tables of ``test_links.py``, ``test_wrong_arguments.py``,
``test_gateway.py`` and ``test_invalid_settings.py``.
"""

from __future__ import annotations

import copy
import pickle

import pytest
from flask import Flask

from flask_xiebao import (
    ConfigError,
    GatewayError,
    LinkError,
    NotificationError,
    OrderError,
    XiebaoError,
)
from flask_xiebao.errors import TokenError, UnknownSiteUrlError
from tests.support import make_site


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("wrong", {"XIEBAO_ENV": "is wrong"}),
        GatewayError("wrong", "caseCode"),
        LinkError("wrong", "member"),
        TokenError("unknown_key"),
        UnknownSiteUrlError("wrong"),
        NotificationError("wrong", "wrong_sign"),
        OrderError("wrong", 5, "不符"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error: XiebaoError) -> None:
    for same in (
        pickle.loads(pickle.dumps(error)),  # noqa: S301 - of our own
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(same) is type(error)
        assert (str(same), vars(same)) == (str(error), vars(error))


def test_a_refusal_of_init_app_reaches_another_process_without_the_app() -> None:
    app = Flask("shop")
    with pytest.raises(ConfigError) as raised:
        make_site(app, XIEBAO_ENV="prod")
    assert raised.value.app is app
    for same in (pickle.loads(pickle.dumps(raised.value)), copy.deepcopy(raised.value)):  # noqa: S301
        assert (str(same), same.problems) == (str(raised.value), raised.value.problems)
        assert same.app is None
