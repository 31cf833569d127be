"""Slow tests for the commands: in development modes, in subprocesses, and with random URLs."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_xiebao.testing import GatewaySimulator
from tests.cli.support import ACCOUNT_KEY, SECRET_KEY, run_command
from tests.cli.test_doctor import VALID_SITES, assert_doctor_reports_no_problem
from tests.cli.test_inspect_gateway_urls import (
    EXAMPLE_2_2,
    HOME_URL,
    PRODUCT_URL,
    encode_pay_success,
    make_site,
)
from tests.support import INSURE_NUM, SIGN

# ``flask xiebao doctor`` reports debug mode and testing mode as problems on a production site, so
# the site "production" is left out here.
TEST_SITES = {name: site for name, site in VALID_SITES.items() if name != "production"}


@pytest.mark.parametrize("make_valid_site", TEST_SITES.values(), ids=TEST_SITES)
@pytest.mark.parametrize("mode", ["debug", "testing"])
def test_doctor_reports_no_problem_on_valid_site_in_development(
    make_valid_site: Callable[[], Flask],
    mode: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The command sets app.debug from the environment variable FLASK_DEBUG.
    monkeypatch.setenv("FLASK_DEBUG", "1" if mode == "debug" else "0")
    app = make_valid_site()
    app.testing = mode == "testing"

    assert_doctor_reports_no_problem(app, caplog)


def test_inspect_accepts_same_urls_as_simulator() -> None:
    """For random gateway URLs, compare the command's exit code with the simulator's verdict."""
    simulator = GatewaySimulator("12345", "Key", also_known=("hidenav", "toLogin"))
    policy_url = (
        f"/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum={INSURE_NUM}&sign={SIGN}"
    )
    pay_success = f"&paySuccess={encode_pay_success('https://shop.example/?a=保险>')}"
    urls = [
        PRODUCT_URL,
        HOME_URL + pay_success,
        policy_url + pay_success,
        f"{policy_url}&platform=3",
    ]
    texts = ["", "&", " ", "%20", "%", "+", "=", "1", "2", "a", "A", "保", "&sign=", "&hidenav=1"]
    app, chance = make_site(), random.Random(18)  # noqa: S311
    counts = {True: 0, False: 0}

    for _ in range(400):
        url = chance.choice(urls)
        if chance.random() < 0.9:
            # Insert a text into the query string, or replace one character with the text.
            position = chance.randrange(url.index("?"), len(url))
            url = url[:position] + chance.choice(texts) + url[position + chance.randrange(2) :]
        accepted = simulator.check(url).accepted
        result = run_command(app, "inspect", url)
        assert (result.exit_code == 0) is accepted, f"{url}\n{result.output}"
        counts[accepted] += 1

    # The comparison is meaningful only if enough URLs are accepted and enough are refused.
    assert min(counts.values()) > 40


# Commands in subprocesses

#: The Python source of a site, with placeholders for the secret key, for the API key, and for the
#: name of the setting that has the API key.
SITE_SOURCE = """
from flask import Flask
from flask_xiebao import Xiebao

def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY={secret!r}, XIEBAO_PARTNER_ID="12345", XIEBAO_ENV="test")
    app.config[{setting!r}] = {key!r}
    Xiebao(app).member_loader(lambda: "m1")
    return app
"""


def run_flask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command ``flask`` in a folder, and assert that its output contains no secret."""
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-m", "flask", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not re.search(f"{ACCOUNT_KEY}|{SECRET_KEY}", process.stdout + process.stderr)
    return process


@pytest.mark.parametrize(
    ("setting", "exit_code", "messages"),
    [
        ("XIEBAO_API_KEY", 0, ["policy (2.3): a link was created", "Errors: 0. Warnings: 2."]),
        (
            "XIEBAO_KEY",
            1,
            [
                "ERROR    XIEBAO_API_KEY is not set",
                "XIEBAO_KEY is not a setting. Did you mean XIEBAO_API_KEY?",
            ],
        ),
    ],
    ids=["valid site", "site without API key"],
)
def test_flask_runs_doctor_even_if_app_factory_fails(
    tmp_path: Path, setting: str, exit_code: int, messages: list[str]
) -> None:
    (tmp_path / "shop.py").write_text(
        SITE_SOURCE.format(secret=SECRET_KEY, setting=setting, key=ACCOUNT_KEY)
    )
    assert (
        "Check a site's insurance entries" in run_flask(tmp_path, "--app", "shop", "--help").stdout
    )

    doctor = run_flask(tmp_path, "--app", "shop", "xiebao", "doctor")

    assert (doctor.returncode, doctor.stderr) == (exit_code, "")
    for message in messages:
        assert message in doctor.stdout


def test_doctor_without_app_explains_how_to_name_it(tmp_path: Path) -> None:
    doctor = run_flask(tmp_path, "xiebao", "doctor")
    assert doctor.returncode == 2
    assert "flask --app" in doctor.stderr


def test_inspect_runs_without_app(tmp_path: Path) -> None:
    inspect = run_flask(tmp_path, "xiebao", "inspect", EXAMPLE_2_2)
    assert inspect.returncode == 0
    assert "because no key is available. Could not locate a Flask application" in inspect.stdout
