"""Only for QA: the check of the whole demo, like ``flask xiebao check``.

To check the demo on fewer devices, set ``QA_DEVICES`` to a list of their names, for example with
``FLASK_QA_DEVICES='["iphone"]'`` in the environment.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from flask_xiebao.testing import Report, check_entries

from ..auth import MEMBERS
from ..shop import CHINA_TIME

#: The arguments of the check: the pages with insurance entries, and the member who opens them.
PAGES = ("/", "/policies")
MEMBER = next(iter(MEMBERS))


def log_in(client: FlaskClient, member: str | None, **options: Any) -> None:
    """Log a member in with a test client, by posting the demo's login form.

    :param options: More keyword arguments for the request.
    """
    client.post("/sign-in", data={"member": member}, **options)


def check_demo(app: Flask) -> Report:
    """Check the demo on all devices, which takes about two seconds, and return the report."""
    devices = app.config.get("QA_DEVICES", "all")
    report = check_entries(app, pages=PAGES, member=MEMBER, login=log_in, devices=devices)
    report.at = report.at.astimezone(CHINA_TIME)
    return report
