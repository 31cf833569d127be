"""The commands as programs, the doctor in development, and ``inspect`` beside the simulator."""

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
from tests.cli.support import ACCOUNT_KEY, SECRET_KEY, run
from tests.cli.test_doctor import SOUND, hold_to_be_sound
from tests.cli.test_inspect import EXAMPLE_2_2, HOME_URL, PRODUCT_URL, encoded, site
from tests.ecosystem.sites import IGNORE_EXTENSION_WARNINGS
from tests.support import INSURE_NUM, SIGN

pytestmark = IGNORE_EXTENSION_WARNINGS


# In production, debug mode and testing are themselves a finding.
SOUND_IN_DEVELOPMENT = {name: make for name, make in SOUND.items() if name != "in production"}


@pytest.mark.parametrize("sound", SOUND_IN_DEVELOPMENT.values(), ids=SOUND_IN_DEVELOPMENT)
@pytest.mark.parametrize("mode", ["debug", "testing"])
def test_a_sound_site_has_no_complaint_while_it_is_developed(
    sound: Callable[[], Flask],
    mode: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The command sets app.debug by this, whatever it was.
    monkeypatch.setenv("FLASK_DEBUG", "1" if mode == "debug" else "0")
    app = sound()
    app.testing = mode == "testing"
    hold_to_be_sound(app, caplog)


def test_inspect_agrees_with_the_simulator() -> None:
    """Whatever happens to a URL, the command exits with 1 where the gateway would refuse it."""
    simulator = GatewaySimulator("12345", "Key", also_known=("hidenav", "toLogin"))
    policy = (
        f"/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum={INSURE_NUM}&sign={SIGN}"
    )
    pay_success = f"&paySuccess={encoded('https://shop.example/?a=保险>')}"
    urls = [PRODUCT_URL, HOME_URL + pay_success, policy + pay_success, f"{policy}&platform=3"]
    marks = ["", "&", " ", "%20", "%", "+", "=", "1", "2", "a", "A", "保", "&sign=", "&hidenav=1"]
    app, chance = site(), random.Random(18)  # noqa: S311
    verdicts = {True: 0, False: 0}
    for _ in range(400):
        url = chance.choice(urls)
        if chance.random() < 0.9:
            at = chance.randrange(url.index("?"), len(url))
            url = url[:at] + chance.choice(marks) + url[at + chance.randrange(2) :]
        accepted = simulator.check(url).accepted
        result = run(app, "inspect", url)
        assert (result.exit_code == 0) is accepted, f"{url}\n{result.output}"
        verdicts[accepted] += 1
    assert min(verdicts.values()) > 40


# As a program

SHOP = """
from flask import Flask
from flask_xiebao import Xiebao

def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY={secret!r}, XIEBAO_PARTNER_ID="12345", XIEBAO_ENV="test")
    app.config[{name!r}] = {key!r}
    Xiebao(app).member_loader(lambda: "m1")
    return app
"""


def flask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run flask there; it prints no secret."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-m", "flask", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not re.search(f"{ACCOUNT_KEY}|{SECRET_KEY}", done.stdout + done.stderr)
    return done


@pytest.mark.parametrize(
    ("name", "exit_code", "said"),
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
)
def test_flask_finds_the_doctor_also_where_the_factory_fails(
    tmp_path: Path, name: str, exit_code: int, said: list[str]
) -> None:
    shop = SHOP.format(secret=SECRET_KEY, name=name, key=ACCOUNT_KEY)
    (tmp_path / "shop.py").write_text(shop)
    assert "Check a site's insurance entries" in flask(tmp_path, "--app", "shop", "--help").stdout
    doctor = flask(tmp_path, "--app", "shop", "xiebao", "doctor")
    assert (doctor.returncode, doctor.stderr) == (exit_code, "")
    for words in said:
        assert words in doctor.stdout


def test_without_any_app_flask_says_how_to_name_one(tmp_path: Path) -> None:
    doctor = flask(tmp_path, "xiebao", "doctor")
    assert doctor.returncode == 2
    assert "flask --app" in doctor.stderr
    inspect = flask(tmp_path, "xiebao", "inspect", EXAMPLE_2_2)
    assert inspect.returncode == 0
    assert "because no key is available. Could not locate a Flask application" in inspect.stdout
