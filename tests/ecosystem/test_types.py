"""Tests that type checkers accept correct code of sites and report mistakes.

To test another call, add a line to ``CORRECT``. To test another mistake, add a line that ends with
"# WRONG" to ``INCORRECT``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.manual.blocks import ROOT
from tests.requirements import find_npm_packages

#: Code of a site that uses the whole public API correctly, with every type of member id.
CORRECT = """
from __future__ import annotations

import datetime
import uuid

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from flask_xiebao import (
    ConfigError, Entry, Gateway, GatewayError, LinkError, Notification, NotificationError,
    NotificationType, Order, OrderClient, OrderError, Platform, PolicyInfo, Xiebao, XiebaoError,
    detect_platform, entry_clicked, entry_refused, notification_received, parse_notification,
    payment_returned,
)

class User:
    id: int = 8
    key: uuid.UUID = uuid.uuid4()

def user() -> User | None: ...

app = Flask(__name__)
xiebao = Xiebao()
xiebao.init_app(app)
Xiebao(app)

@xiebao.member_loader
def load_row_number() -> int | None:
    current = user()
    return current.id if current else None

@xiebao.member_loader
def load_string() -> str:
    return "m_7Qk2vX9rT4"

@xiebao.member_loader
def load_uuid() -> uuid.UUID | None:
    current = user()
    return current.key if current else None

@xiebao.member_loader
async def load_async() -> str | None:
    return None

xiebao.member_loader(lambda: request.cookies.get("member"))

@xiebao.click_guard
def return_bool(member: str, entry: Entry) -> bool:
    return member != "8" and entry.reference != "QX1" and entry.client_reference is None

@xiebao.click_guard
def return_page(member: str, entry: Entry) -> bool | tuple[str, int]:
    return (render_template("locked.html"), 403) if member == "8" else True

@xiebao.click_guard
def return_page_with_headers(member: str, entry: Entry) -> tuple[str, int, dict[str, str]]:
    return "later", 503, {"Retry-After": "60"}

@xiebao.click_guard
def return_redirect(member: str, entry: Entry) -> bool | BaseResponse:
    if member == "9":
        abort(403)
    return redirect("/verify") if member == "8" else True

@xiebao.click_guard
def return_response(member: str, entry: Entry) -> Response:
    return jsonify(error="locked")

@xiebao.click_guard
async def guard_async(member: str, entry: Entry) -> bool:
    return True

@xiebao.keeps_plain_key
def keep_row_numbers(member: str) -> bool:
    return member.isdecimal()

@xiebao.notification_handler
def handle(notification: Notification) -> None:
    if notification.type == NotificationType.SURRENDER and notification.succeeded:
        order: Order = xiebao.orders.get(notification.insure_num)
        if order.effective_status not in (2, 3):
            raise RuntimeError
    remember(notification.paid_at, [policy.start_date for policy in notification.policies])

def remember(paid_at: datetime.datetime | None, starts: list[datetime.date | None]) -> None: ...

policy: PolicyInfo = PolicyInfo(policy_num="P1", start_date=datetime.date(2026, 12, 1))

@xiebao.notification_handler
async def handle_async(notification: Notification) -> None: ...

@xiebao.notification_handler
def handle_and_return(notification: Notification) -> bool:
    return True

@xiebao.notification_reader
def read(body: bytes, headers: Headers) -> Notification:
    if headers.get("X-Sign") != "expected":
        raise NotificationError("The sign is wrong.", "wrong_sign")
    return Notification(type=37, insure_num=body.decode(), data={"step": 37})

@xiebao.notification_reader
async def read_async(body: bytes, headers: Headers) -> Notification:
    return parse_notification(body, api_key="Key")

@notification_received.connect_via(app)
def received(app: Flask, notification: Notification) -> None: ...

with OrderClient("12345", "Key", base_url=Gateway.TEST, timeout=2.5) as client:
    numbers: list[str] = [order.insure_num for order in client.iter(page_size=50)]
    buyer: str | None = client.get("2019").member

number: int | None = load_row_number()  # a decorator returns the function as it is
allowed: bool = return_bool("8", Entry("home"))

@entry_clicked.connect_via(app)
def clicked(app: Flask, entry: Entry, member: str, platform: Platform, click_id: str) -> None: ...

@entry_refused.connect_via(app)
def refused(app: Flask, status: int, reason: str, cause: str, page: str, entry: Entry | None,
            member: str | None) -> None: ...

@payment_returned.connect_via(app)
def returned(app: Flask, entry: Entry, member: str, click_id: str, same_session: bool) -> None: ...

links: list[str] = [
    xiebao.link("product", "QX1", platform="h5"),
    xiebao.product_link(1001, member=8, no_login_for=60, platform=Platform.IOS, external=True),
    xiebao.home_link(member=uuid.uuid4(), platform=3, client_reference=8, sub_partner_id="7"),
    xiebao.policy_link("2019", member="8", return_to="/orders/8", client_reference="order-8"),
    xiebao.home_link(platform=Platform.of(request.args["platform"])),
    xiebao.home_link(platform=Platform.H5.slug),
]
gateway: Gateway = xiebao.gateway
urls: list[str] = [
    gateway.product_url("QX1", partner_uniq_key=xiebao.partner_uniq_key(8), platform="pc"),
    gateway.home_url(partner_uniq_key="8", pay_success="https://a.example/", extra={"hidenav": 1}),
    Gateway(12345, "Key", base_url=Gateway.PRODUCTION).policy_url("2019", platform="android"),
]
member: str | None = xiebao.member_of("n4koo53z3p6f6cab8")
device: Platform = detect_platform({"User-Agent": "curl"}, app_user_agent="ShopApp")
detect_platform(app.test_request_context().request.headers)

try:
    xiebao.product_link("")
except LinkError as error:
    argument: str | None = error.argument
except GatewayError as error:
    parameter: str | None = error.parameter
except NotificationError as error:
    reason: str = error.reason
except OrderError as error:
    code: int | None = error.code
except ConfigError as error:
    problems: dict[str, str] = error.problems
except XiebaoError:
    pass
"""

#: Code with a mistake in each line that ends with "# WRONG".
INCORRECT = """\
# pyright: standard
from __future__ import annotations

from flask import Flask

from flask_xiebao import Entry, Gateway, Notification, Order, Platform, Xiebao

app = Flask(__name__)
xiebao = Xiebao(app)
gateway = Gateway("12345", "Key")

xiebao.home_link(member="8", max_age=60)  # WRONG
Entry("home", None, "8", max_age=60)  # WRONG
Order(insure_num="2019", member="8")  # WRONG
xiebao.home_link(platform="tv")  # WRONG
xiebao.home_link(platform=5)  # WRONG
xiebao.link("home", platform="iOS 17")  # WRONG
gateway.home_url(partner_uniq_key="8", platform="tv")  # WRONG
gateway.policy_url("2019", platform="")  # WRONG
gateway.product_url("QX1")  # WRONG
xiebao.product_link()  # WRONG
xiebao.product_link(None)  # WRONG
xiebao.policy_link("2019", sub_partner_id="7")  # WRONG
xiebao.home_link(no_login_for="60", member="8")  # WRONG
xiebao.home_link(client_reference=[8])  # WRONG
xiebao.home_link(member=["8"])  # WRONG
xiebao.partner_uniq_key(None)  # WRONG
xiebao.member_of(8)  # WRONG
Xiebao("shop")  # WRONG
Entry("home", platform="h5")  # WRONG
length: int = xiebao.home_link()  # WRONG
Notification(2, "2019")  # WRONG
Notification(type="payment", insure_num="2019")  # WRONG
xiebao.orders.get(None)  # WRONG

@xiebao.member_loader  # WRONG
def load_list() -> list[str]:
    return ["8"]

@xiebao.member_loader  # WRONG
def load_bytes() -> bytes:
    return b"8"

@xiebao.member_loader  # WRONG
def load_from_request(request: object) -> str:
    return "8"

@xiebao.member_loader  # WRONG
async def load_list_async() -> list[str]:
    return ["8"]

@xiebao.click_guard  # WRONG
def return_none(member: str, entry: Entry) -> None:
    return None

@xiebao.click_guard  # WRONG
def return_string(member: str, entry: Entry) -> str:
    return "locked"

@xiebao.click_guard  # WRONG
def accept_integer(member: int, entry: Entry) -> bool:
    return True

@xiebao.click_guard  # WRONG
def accept_no_entry(member: str) -> bool:
    return True

@xiebao.notification_handler  # WRONG
def handle_nothing() -> None: ...

@xiebao.notification_handler  # WRONG
def handle_string(notification: str) -> None: ...

@xiebao.notification_reader  # WRONG
def read_dict(body: bytes, headers: object) -> dict[str, str]:
    return {}

@xiebao.notification_reader  # WRONG
def read_without_headers(body: bytes) -> Notification:
    return Notification(type=1, insure_num="2019")

@xiebao.keeps_plain_key  # WRONG
def return_yes(member: str) -> str:
    return "yes"
"""

FILES = {"correct.py": CORRECT, "incorrect.py": INCORRECT}
#: One item per mistake: the name of the file, and the number of the line.
MISTAKES = {
    ("incorrect.py", str(number))
    for number, line in enumerate(INCORRECT.splitlines(), 1)
    if line.endswith("# WRONG")
}
_ERROR = re.compile(r"(\w+\.py):(\d+):(?:\d+ -)? (?:error|warning)")


def find_type_checker(name: str) -> list[str]:
    """Return the command of a type checker, without the path of a Python interpreter at its end."""
    if name == "pyright":
        return [str(find_npm_packages() / ".bin/pyright"), "--pythonpath"]
    return [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--python-executable"]


@pytest.mark.parametrize(
    "checker", [pytest.param("mypy", marks=pytest.mark.requires("mypy")), "pyright"]
)
def test_type_checker_reports_exactly_lines_with_mistakes(tmp_path: Path, checker: str) -> None:
    for name, code in FILES.items():
        (tmp_path / name).write_text(code)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    # The package is installed in a virtual environment, as it is for a site.
    venv.create(tmp_path / "environment")
    [packages] = tmp_path.glob("environment/lib/python3*/site-packages")
    (packages / "installed.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")

    process = subprocess.run(  # noqa: S603 - The arguments are constants.
        [*find_type_checker(checker), str(tmp_path / "environment/bin/python"), *FILES],
        cwd=tmp_path,
        # mypy keeps its cache between runs of the tests, which saves 90 % of its time.
        env={"PATH": os.environ["PATH"], "MYPY_CACHE_DIR": str(ROOT / "build/mypy")},
        capture_output=True,
        text=True,
    )

    assert process.returncode == 1, process.stdout + process.stderr
    assert set(_ERROR.findall(process.stdout)) == MISTAKES, process.stdout
