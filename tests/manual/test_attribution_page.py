"""Tests for the code on the manual's page about attribution, which runs in a small shop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import DOCS, find_blocks, run_tests

_SHOP = """
from flask import Flask, render_template_string

from .extensions import db, xiebao
from .purchases import purchases

INSURED = ("paid", "issued", "in_force", "surrendering")


def create_app(database="sqlite:///shop.sqlite3"):
    app = Flask(__name__)
    app.config.update(
        TESTING=True,
        SECRET_KEY="a",
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY="Key",
        SQLALCHEMY_DATABASE_URI=database,
    )
    db.init_app(app)
    xiebao.init_app(app)
    with app.app_context():
        db.create_all()

    @app.get("/orders/<int:number>")
    def order(number):
        query = purchases.for_reference(number, 7)
        insurance = next((p for p in db.session.scalars(query) if p.state in INSURED), None)
        template = (
            '{% from "xiebao/entry.html" import insurance_card, policy_entry %}'
            '{% if insurance %}已投保 {{ policy_entry(insurance.insure_num) }}{% else %}'
            '{{ insurance_card("QX000000127257", "旅行险", client_reference=number) }}{% endif %}'
        )
        return render_template_string(template, insurance=insurance, number=number)

    return app
"""

_EXTENSIONS = """
from flask_sqlalchemy import SQLAlchemy
from flask_xiebao import Xiebao

db, xiebao = SQLAlchemy(), Xiebao()
xiebao.member_loader(lambda: 7)
"""

_CONFTEST = """
import pytest
import shop

pytest_plugins = ["flask_xiebao.pytest_plugin"]


@pytest.fixture
def app():
    app = shop.create_app("sqlite://")
    yield app
    with app.app_context():
        shop.extensions.db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()
"""

_TEST_OF_REPORT = """
from datetime import UTC, datetime, timedelta

from flask_xiebao import NotificationType
from shop.extensions import db
from shop.purchases import InsuranceClick, purchases
from shop.reports import build_report
from shop.sales import Sale, record_sales


def buy(number, notify, client, xiebao_orders, orders, **values):
    now = datetime.now(UTC)
    orders.append(
        {
            "insure_num": number,
            "member": "7",
            "case_code": "QX000000127257",
            "applied_at": now,
            "paid_at": now,
            "pay_status": 1,
            "issue_status": 1,
            "price_fen": 1500,
            **values,
        }
    )
    xiebao_orders(orders)
    notify(client, type=NotificationType.ISSUE, insure_num=number, member="7")


def test_report_counts_clicks_and_sales(app, client, follow_entry, notify, xiebao_orders):
    orders = []
    for order_number in (8, 8, 9):
        follow_entry(client, f"/orders/{order_number}", "product")
    buy("1", notify, client, xiebao_orders, orders)
    buy("2", notify, client, xiebao_orders, orders, case_code="QX2")
    now = datetime.now(UTC)
    with app.app_context():
        rows = build_report(
            InsuranceClick.client_reference, now - timedelta(days=1), now + timedelta(days=1)
        )
        before = now - timedelta(days=8)
        earlier = build_report(InsuranceClick.page, before - timedelta(days=1), before)
    assert sorted(row.clicks for row in rows) == [0, 1, 2]
    assert sum(row.sales for row in rows) == 2
    assert [row for row in rows if not row.has_click] == [(False, None, 0, 1, 1500)]
    assert [row.value for row in rows if row.has_click] == ["8", "9"]
    assert earlier == []


def test_sales_are_recorded_once(app, client, follow_entry, notify, xiebao_orders):
    orders = []
    follow_entry(client, "/orders/8", "product")
    buy("1", notify, client, xiebao_orders, orders)
    buy("2", notify, client, xiebao_orders, orders, case_code="QX2")
    with app.app_context():
        record_sales()
        assert db.session.query(Sale).all() == []
        for purchase in db.session.scalars(purchases.of(7)):
            purchase.paid_at -= timedelta(days=1, seconds=1)
        db.session.commit()
        record_sales()
        record_sales()
        sales = {sale.insure_num: sale.order_number for sale in db.session.query(Sale)}
    assert sales == {"1": "8", "2": None}


def test_reissued_order_is_not_a_second_sale(app, client, follow_entry, notify, xiebao_orders):
    orders = []
    follow_entry(client, "/orders/8", "product")
    buy("1", notify, client, xiebao_orders, orders)
    orders[0]["effective_status"] = 3
    buy("2", notify, client, xiebao_orders, orders)
    notify(
        client,
        type=NotificationType.REISSUE,
        insure_num="1",
        new_insure_num="2",
        member="7",
    )
    now = datetime.now(UTC)
    with app.app_context():
        rows = build_report(
            InsuranceClick.client_reference, now - timedelta(days=1), now + timedelta(days=1)
        )
    assert rows == [(True, "8", 1, 1, 1500)]
    assert "已投保" in client.get("/orders/8").text
"""


@pytest.mark.requires("flask_sqlalchemy", "httpx")
def test_code_on_attribution_page_passes_its_tests(tmp_path: Path) -> None:
    blocks = find_blocks(DOCS / "en/how-to/attribution.md", "python")
    files = {
        caption[1]: block.code
        for block in blocks
        if (caption := re.search(r":caption: `(\S+)`", block.options))
    }
    assert set(files) == {"shop/purchases.py", "shop/reports.py", "shop/sales.py"}
    [test] = [block.code for block in blocks if "def test_" in block.code]
    files |= {
        "shop/__init__.py": _SHOP,
        "shop/extensions.py": _EXTENSIONS,
        "conftest.py": _CONFTEST,
        "test_shop.py": test,
        "test_report.py": _TEST_OF_REPORT,
    }
    assert "\n4 passed" in run_tests(tmp_path, files)
