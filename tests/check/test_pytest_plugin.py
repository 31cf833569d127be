"""The fixture for a site's own tests: used as a site does, its documentation run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, redirect, render_template_string, request, session

from flask_xiebao import (
    Notification,
    NotificationType,
    Order,
    OrderError,
    Platform,
    PolicyInfo,
    Xiebao,
    entry_clicked,
    entry_refused,
    payment_returned,
)
from flask_xiebao.check.devices import DEVICES
from flask_xiebao.testing import Verdict
from tests.support import CODE, CONFIG, MACROS, NUMBER

pytest_plugins = ["flask_xiebao.pytest_plugin"]

API_KEY = "a9Kx7mQp2ZrT8wLc"
OTHER_CODE = "QX000000999999"
SIGNALS = (entry_clicked, entry_refused, payment_returned)
PAGE = (
    MACROS
    + """
<a href="/about">About</a>
{{ insurance_entry(code, return_to="/orders/8") }}
{% call insurance_entry(other, class="card", sub_partner_id="s7") %}<b>A &amp; B</b>{% endcall %}
{{ insurance_home_entry() }}
{{ policy_entry(number) }}
"""
)


@pytest.fixture
def make_shop() -> Callable[..., Flask]:
    """Return a maker of shops with a login that sets the session."""

    def make(**config: Any) -> Flask:
        app = Flask("shop")
        app.config.update(
            CONFIG,
            XIEBAO_API_KEY=API_KEY,
            XIEBAO_ENV="test",
        )
        app.config.update(config)
        xiebao = Xiebao(app)
        xiebao.member_loader(lambda: session.get("member"))

        @app.get("/")
        def start() -> str:
            return render_template_string(PAGE, code=CODE, other=OTHER_CODE, number=NUMBER)

        @app.get("/about")
        def about() -> str:
            return '<a href="/nowhere?platform=h5">Phones</a>'

        @app.get("/mine")
        def mine() -> Any:
            return start() if "member" in session else redirect("/login?next=/mine", 302)

        @app.route("/login", methods=["GET", "POST"])
        def login() -> str:
            session["member"] = "m1"
            return "Welcome."

        return app

    return make


@pytest.fixture
def shop(make_shop: Callable[..., Flask]) -> Flask:
    return make_shop()


def member(app: Flask) -> Any:
    """Return a client that is logged in."""
    client = app.test_client()
    client.post("/login")
    return client


def failure(follow_entry: Any, *arguments: Any, **options: Any) -> str:
    """Return what a test says that fails here."""
    with pytest.raises(pytest.fail.Exception) as caught:
        follow_entry(*arguments, **options)
    assert not caught.value.pytrace  # a traceback could show the sign
    message = str(caught.value)
    assert "sign=" not in message
    return message


def test_the_member_is_named_as_the_site_does(
    make_shop: Callable[..., Flask], follow_entry: Any
) -> None:
    shop = make_shop(XIEBAO_MEMBER_SECRET="0123456789abcdef0123456789abcdef")
    verdict = follow_entry(member(shop), "/", "product")
    assert verdict.accepted, verdict.reasons
    assert verdict.member == "m1"
    assert dict(verdict.parameters)["partnerUniqKey"] != "m1"


def test_the_verdict_of_an_entry(shop: Flask, follow_entry: Any) -> None:
    verdict = follow_entry(member(shop), "/", "product")
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.member, verdict.platform) == ("product", "m1", Platform.H5)
    assert dict(verdict.parameters)["caseCode"] == CODE
    assert verdict.pay_success.startswith("http://localhost/xiebao/paid/")
    assert not verdict.handoff
    assert isinstance(verdict, Verdict)


@pytest.mark.parametrize(
    ("device", "platform"),
    [
        ("pc", Platform.PC),
        ("mac", Platform.PC),
        ("wechat-pc", Platform.PC),
        ("iphone", Platform.H5),
        ("ipad", Platform.H5),
        ("android", Platform.H5),
        ("harmony", Platform.H5),
        ("wechat", Platform.H5),
        ("alipay", Platform.H5),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ShopApp/1", Platform.IOS),
    ],
)
def test_each_device_has_its_platform(
    make_shop: Callable[..., Flask], follow_entry: Any, device: str, platform: Platform
) -> None:
    shop = make_shop(XIEBAO_APP_USER_AGENT="ShopApp/")
    verdict = follow_entry(member(shop), "/", "product", device=device)
    assert verdict.accepted, verdict.reasons
    assert verdict.platform == platform


def test_every_device_of_the_list_can_be_clicked_with(shop: Flask, follow_entry: Any) -> None:
    for device in DEVICES.values():
        verdict = follow_entry(member(shop), "/", "product", device=device.name)
        assert str(verdict.platform) == device.platform, device.name


def test_a_page_with_several_entries(shop: Flask, follow_entry: Any) -> None:
    client = member(shop)

    def sent(**options: Any) -> dict[str, str]:
        return dict(follow_entry(client, "/", "product", **options).parameters)

    assert sent()["caseCode"] == CODE
    assert sent(index=1)["caseCode"] == OTHER_CODE
    assert sent(reference=OTHER_CODE)["subPartnerId"] == "s7"
    assert follow_entry(client, "/", "home").page == "home"
    assert dict(follow_entry(client, "/", "policy").parameters)["insureNum"] == NUMBER


def test_a_handoff_is_reported_and_followed(shop: Flask, follow_entry: Any) -> None:
    for entry in ("home", "policy"):
        verdict = follow_entry(member(shop), "/", entry, device="pc")
        assert verdict.handoff
        assert verdict.accepted, verdict.reasons
        assert (verdict.page, verdict.platform, verdict.member) == (entry, Platform.H5, "m1")
        assert not follow_entry(member(shop), "/", entry, device="iphone").handoff


def test_a_link_by_itself(shop: Flask, follow_entry: Any) -> None:
    xiebao = shop.extensions["xiebao"]
    shop.config["SERVER_NAME"] = "shop.example"
    with shop.app_context():
        link = xiebao.policy_link(NUMBER, member="m2", no_login_for=60)
    assert link.startswith("http://shop.example/")
    verdict = follow_entry(shop.test_client(), link)
    assert verdict.accepted, verdict.reasons
    assert verdict.member == "m2"
    assert "is of another member" in failure(follow_entry, member(shop), link)


def test_a_site_below_a_path(make_shop: Callable[..., Flask], follow_entry: Any) -> None:
    shop = make_shop(APPLICATION_ROOT="/below", XIEBAO_PUBLIC_URL="https://shop.example/mounted")
    client = member(shop)
    assert follow_entry(client, "/", "product").accepted
    with shop.app_context():
        link = shop.extensions["xiebao"].home_link()
    assert link.startswith("https://shop.example/mounted/xiebao/")
    assert follow_entry(client, link).accepted


@pytest.mark.parametrize("base_url", ["/gateway", "https://gateway.example/x"])
def test_another_gateway(make_shop: Callable[..., Flask], follow_entry: Any, base_url: str) -> None:
    shop = make_shop(XIEBAO_BASE_URL=base_url, XIEBAO_EXTRA={"channel": 7})
    verdict = follow_entry(member(shop), "/", "product")
    assert verdict.accepted, verdict.reasons
    assert dict(verdict.parameters)["channel"] == "7"


def test_a_refused_entry_has_its_reasons(shop: Flask, follow_entry: Any) -> None:
    def platform_of_pc(response: Response) -> Response:
        if "Location" in response.headers:
            response.headers["Location"] = response.headers["Location"].replace("sign=", "sgin=")
        return response

    client = member(shop)
    shop.after_request_funcs.setdefault(None, []).append(platform_of_pc)
    verdict = follow_entry(client, "/", "product")
    assert not verdict.accepted
    assert any("sgin" in reason for reason in verdict.reasons)


def test_nobody_logged_in_fails_and_says_so(
    make_shop: Callable[..., Flask], follow_entry: Any
) -> None:
    said = "nobody is logged in: log the client in first."
    nobody = make_shop().test_client()
    assert failure(follow_entry, nobody, "/", "product") == f"The click answered 401: {said}"
    redirected = make_shop(XIEBAO_LOGIN_VIEW="login").test_client()
    message = failure(follow_entry, redirected, "/", "product")
    assert message == f"The click answered 302 to /login: {said}"


def test_a_page_without_the_entry_fails_and_says_what_there_is(
    shop: Flask, follow_entry: Any
) -> None:
    client = shop.test_client()
    message = failure(follow_entry, client, "/", "policy")
    assert (
        f"/ has no policy entry. Its entries: product {CODE}, product QX000000999999, home."
        in message
    )
    assert "Without a login there are none that are a member's own." in message
    message = failure(follow_entry, client, "/", "product", reference="QX1")
    assert "no product entry for QX1" in message
    assert "with index 2" in failure(follow_entry, client, "/", "product", index=2)
    assert "Its entries: none." in failure(follow_entry, client, "/about", "home")
    assert "it answered 404" in failure(follow_entry, client, "/nowhere", "home")
    assert "it answered 302 to /login" in failure(follow_entry, client, "/mine", "home")


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("/xiebao/product/nonsense", "The click answered 404: the link is not one of this site"),
        ("/about", "The click answered 200: a page, and not a link"),
        ("/login", "The click answered 200: a page, and not a link"),
    ],
)
def test_a_link_that_leads_elsewhere_fails(
    shop: Flask, follow_entry: Any, link: str, said: str
) -> None:
    assert said in failure(follow_entry, member(shop), link)


def test_an_error_that_names_the_gateway_is_no_click(shop: Flask, follow_entry: Any) -> None:
    @shop.after_request
    def spoil(response: Response) -> Response:
        response.status_code = 503 if response.status_code == 302 else response.status_code
        return response

    link = follow_link(shop)
    assert "The click answered 503" in failure(follow_entry, member(shop), link)


def test_a_switched_off_site_fails(make_shop: Callable[..., Flask], follow_entry: Any) -> None:
    link = follow_link(make_shop())
    off = make_shop(XIEBAO_ENABLED=False)
    assert "XIEBAO_ENABLED is off" in failure(follow_entry, member(off), link)
    assert "Its entries: none." in failure(follow_entry, member(off), "/", "product")


def follow_link(shop: Flask) -> str:
    with shop.test_request_context():
        link: str = shop.extensions["xiebao"].home_link()
        return link


def test_a_mistake_in_the_test_is_an_error(shop: Flask, follow_entry: Any) -> None:
    with pytest.raises(ValueError, match="'products' is not an entry: use one of product, home"):
        follow_entry(shop.test_client(), "/", "products")
    with pytest.raises(ValueError, match="'ipod' is not a User-Agent: use one, or one of pc, mac"):
        follow_entry(shop.test_client(), "/", "product", device="ipod")
    assert "has no Xiebao" in failure(follow_entry, Flask("bare").test_client(), "/", "product")


def test_the_site_and_the_client_stay_as_they_are(shop: Flask, follow_entry: Any) -> None:
    seen: list[tuple[str, str]] = []

    @shop.before_request
    def look() -> None:
        seen.append((request.path.split("/")[1], str(request.user_agent)))

    def state() -> Any:
        return (
            dict(shop.config),
            list(shop.blueprints),
            list(shop.url_map.iter_rules()),
            [dict(signal.receivers) for signal in SIGNALS],
            {key: list(functions) for key, functions in shop.after_request_funcs.items()},
        )

    client = member(shop)
    environ, before = dict(client.environ_base), state()
    client.set_cookie("basket", "full")
    follow_entry(client, "/", "home", device="pc")
    assert state() == before
    assert client.environ_base == environ
    assert client.get_cookie("basket").value == "full"
    assert client.get("/mine").status_code == 200  # still logged in
    assert [page for page, _ in seen] == ["login", "", "xiebao", "xiebao", "mine"]
    agents = dict(seen)
    assert "Windows" in agents["xiebao"]
    assert "Windows" not in agents["mine"]


def test_a_click_is_a_real_one(shop: Flask, follow_entry: Any) -> None:
    members = []
    with entry_clicked.connected_to(lambda app, member, **_: members.append(member), shop):
        follow_entry(member(shop), "/", "product")
    assert members == ["m1"]


def test_nobody_loads_it_unasked() -> None:
    assert not [
        entry for entry in metadata.entry_points(group="pytest11") if "xiebao" in entry.value
    ]


# The documentation

DOC_SHOP = """
from flask import Flask, render_template_string
from flask_xiebao import Xiebao

app = Flask(__name__)
app.config.update(SECRET_KEY="a secret for tests", XIEBAO_PARTNER_ID="12345", XIEBAO_ENV="test")
app.config["XIEBAO_API_KEY"] = "a9Kx7mQp2ZrT8wLc"
xiebao = Xiebao(app)
xiebao.member_loader(lambda: MEMBER)
MEMBER = "m1"

@xiebao.notification_handler
def on_notification(notification):
    assert notification.member == "m_7Qk2vX9rT4"
    assert xiebao.orders.get(notification.insure_num).effective_status == 3
MACROS = '{% from "xiebao/entry.html" import insurance_entry %}'

@app.get("/")
def start():
    return render_template_string(MACROS + '{{ insurance_entry("QX000000127257") }}')
"""


def paste(folder: Path, shop: str) -> subprocess.CompletedProcess[str]:
    """Make a site's tests of the blocks of the documentation, and run them."""
    doc = import_module("flask_xiebao.pytest_plugin").__doc__ or ""
    conftest, *tests = re.findall(r"::\n\n((?:    .*\n|\n)+)", doc)
    (folder / "conftest.py").write_text(textwrap.dedent(conftest))
    (folder / "test_insurance.py").write_text(textwrap.dedent("".join(tests)))
    (folder / "shop.py").write_text(shop)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "--showlocals",
            "-p",
            "no:cacheprovider",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_documentation_is_a_test_that_passes(tmp_path: Path) -> None:
    done = paste(tmp_path, DOC_SHOP)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_the_documentation_is_a_test_that_fails_where_it_should(tmp_path: Path) -> None:
    done = paste(tmp_path, DOC_SHOP.replace('"m1"', "None"))
    assert done.returncode == 1
    assert "5 failed, 2 passed" in done.stdout
    assert "The click answered 401: nobody is logged in" in done.stdout
    other = paste(tmp_path, DOC_SHOP.replace("QX000000127257", "QX1"))
    assert "5 failed" in other.stdout
    assert "assert 'QX1' == 'QX000000127257'" in other.stdout
    assert "a9Kx7mQp2ZrT8wLc" not in other.stdout


# Purchases


@pytest.fixture
def heard() -> list[Notification]:
    return []


@pytest.fixture
def listening(make_shop: Callable[..., Flask], heard: list[Notification]) -> Flask:
    """A shop that listens, and whose members have keys that nobody guesses."""
    shop = make_shop(XIEBAO_MEMBER_SECRET="0123456789abcdef0123456789abcdef")
    shop.extensions["xiebao"].notification_handler(heard.append)
    return shop


def test_a_notification_says_what_its_keywords_say(
    notify: Callable[..., Any], listening: Flask, heard: list[Notification]
) -> None:
    paid_at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    policies = (
        PolicyInfo(
            product_id="1042",
            plan_name="计划一",
            insurant="林晓",
            start_date=date(2026, 12, 1),
            end_date=date(2026, 12, 5),
            policy_num="P1",
        ),
    )
    response = notify(
        listening.test_client(),
        type=NotificationType.ISSUE,
        insure_num="8",
        case_code=CODE,
        member="m1",
        price_fen=1500,
        paid_at=paid_at,
        payment_method="21",
        policies=policies,
        cancelled_insurants=["林晓"],
        cancel_reason="改期",
        new_insure_num="9",
        other_info={"channel": "app"},
        data={"instalment": 1},
    )
    assert (response.status_code, response.json) == (200, {"state": True})
    [notification] = heard
    assert notification.type is NotificationType.ISSUE
    assert (notification.insure_num, notification.case_code) == ("8", CODE)
    assert notification.member == "m1"
    assert (notification.price_fen, notification.payment_method) == (1500, "21")
    assert notification.paid_at == paid_at
    assert notification.policies == policies
    assert notification.cancelled_insurants == ("林晓",)
    assert (notification.cancel_reason, notification.new_insure_num) == ("改期", "9")
    assert notification.other_info == {"channel": "app"}
    assert notification.data["instalment"] == 1


@pytest.mark.parametrize("kind", [*NotificationType, 37])
def test_what_a_step_comes_with_need_not_be_said(
    notify: Callable[..., Any], listening: Flask, heard: list[Notification], kind: int
) -> None:
    assert notify(listening.test_client(), type=kind, insure_num="8").status_code == 200
    failed = notify(
        listening.test_client(), type=kind, insure_num="8", succeeded=False, failure="余额不足"
    )
    assert failed.status_code == 200
    assert [(each.succeeded, each.failure) for each in heard] == [(True, None), (False, "余额不足")]


@pytest.mark.parametrize(("wrong", "status"), [("sign", 403), ("body", 400)])
def test_a_notification_can_be_sent_wrong(
    notify: Callable[..., Any],
    listening: Flask,
    heard: list[Notification],
    wrong: str,
    status: int,
) -> None:
    response = notify(listening.test_client(), type=2, insure_num="8", wrong=wrong)
    assert response.status_code == status
    assert response.json["state"] is False
    assert heard == []


def test_a_handler_that_fails_is_seen(
    notify: Callable[..., Any], make_shop: Callable[..., Flask]
) -> None:
    shop = make_shop(XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses", SERVER_NAME="shop.example")
    assert notify(shop.test_client(), type=1, insure_num="8").status_code == 404

    def fail(notification: Notification) -> None:
        raise ValueError

    shop.extensions["xiebao"].notification_handler(fail)
    assert notify(shop.test_client(), type=1, insure_num="8").status_code == 500


def test_a_keyword_that_there_is_not_is_named(notify: Callable[..., Any], listening: Flask) -> None:
    with pytest.raises(
        TypeError, match=r"There is no memeber: use insure_num, .*, member, data, t"
    ):
        notify(listening.test_client(), type=2, insure_num="8", memeber=8)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"wrong": "sgin"}, "wrong is one of sign, body, not 'sgin'"),
        ({"type": "payment"}, "type must be a whole number, not str"),
        ({"type": True}, "type must be a whole number, not bool"),
        ({"price_fen": "15.00"}, "price_fen cannot be str"),
        ({"price_fen": 15.5}, "price_fen cannot be float"),
        ({"paid_at": "2026-11-25"}, "paid_at cannot be str"),
        ({"cancelled_insurants": "王小明"}, "cancelled_insurants cannot be str"),
        ({"policies": ["P1"]}, "policies cannot be list"),
        ({"policies": [{"policy_number": "P1"}]}, "There is no policy_number: use product_id"),
    ],
)
def test_a_value_that_is_of_another_type_is_named(
    notify: Callable[..., Any],
    listening: Flask,
    heard: list[Notification],
    wrong: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(TypeError, match=said):
        notify(listening.test_client(), **{"type": 4, "insure_num": "8", **wrong})
    assert heard == []


def test_an_order_that_is_misspelt_is_named_where_it_is_said(
    xiebao_orders: Callable[..., None],
) -> None:
    with pytest.raises(TypeError, match="There is no efective_status: use insure_num, "):
        xiebao_orders([{"insure_num": "8", "efective_status": 1}])
    with pytest.raises(TypeError, match=r"Order 2 of 2 has no insure_num\."):
        xiebao_orders([{"insure_num": "8"}, {"member": "m1"}])


def test_the_orders_of_a_test_are_the_only_ones(
    xiebao_orders: Callable[..., None], listening: Flask
) -> None:
    paid_at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    xiebao_orders(
        [
            Order(
                insure_num="8",
                member="m1",
                paid_at=paid_at,
                price_fen=1500,
                start_date=date(2026, 12, 1),
                policies=(PolicyInfo(applicant="周航", insurant="林晓", policy_num="P1"),),
                effective_status=3,
            ),
            {"insure_num": "9", "member": 7, "pay_status": 1, "data": {"more": 1}},
        ]
    )
    with listening.app_context():
        xiebao: Xiebao = listening.extensions["xiebao"]
        order = xiebao.orders.get("8")
        assert (order.member, order.price_fen, order.paid_at) == ("m1", 1500, paid_at)
        assert order.effective_status == 3
        [policy] = order.policies
        assert (policy.applicant, policy.insurant, policy.policy_num) == ("周航", "林晓", "P1")
        assert policy.start_date == date(2026, 12, 1)
        assert xiebao.orders.get("9").data["more"] == 1
        assert xiebao.orders.get("9").member == "7"
        assert [each.insure_num for each in xiebao.orders.iter(1)] == ["8", "9"]
        assert xiebao.orders.policy_url("9") == "https://files.example/9.pdf"
        with pytest.raises(OrderError) as caught:
            xiebao.orders.get("10")
        assert caught.value.code == 1002
        xiebao_orders([])
        assert list(xiebao.orders.iter()) == []
