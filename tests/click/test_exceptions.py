"""Tests for pickling and copying the exceptions of the package.

The name of the wrong argument in an exception is tested together with the code that raises the
exception, for example in ``test_links.py``.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

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
from flask_xiebao.errors import OrderBehindError, TokenError, UnknownSiteUrlError
from flask_xiebao.testing import CheckError
from tests.support import make_site


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - The test wrote the data.
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle", "copy", "deepcopy"],
)
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
        OrderBehindError("wrong", timedelta(hours=1), is_in_progress=True),
        CheckError("wrong"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_pickled_or_copied_exception_has_same_attributes(
    error: XiebaoError, duplicate: Callable[[Any], Any]
) -> None:
    copied = duplicate(error)
    assert type(copied) is type(error)
    assert (str(copied), vars(copied)) == (str(error), vars(error))


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - The test wrote the data.
        copy.deepcopy,
    ],
    ids=["pickle", "deepcopy"],
)
def test_pickled_or_copied_config_error_has_no_app(duplicate: Callable[[Any], Any]) -> None:
    app = Flask("shop")
    with pytest.raises(ConfigError) as error:
        make_site(app, XIEBAO_ENV="prod")
    assert error.value.app is app

    assert duplicate(error.value).app is None
