from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_front_page_lists_trips(app: Flask) -> None:
    page = app.test_client().get("/")
    assert "徽杭古道两日徒步" in page.text


def test_flashed_message_is_shown_to_one_visitor_only(app: Flask, client: FlaskClient) -> None:
    visitor = app.test_client()
    visitor.get("/orders/1")
    assert "请先登录。" in visitor.get("/").text
    assert "请先登录。" not in client.get("/").text


def test_order_page_is_only_for_its_member(app: Flask, client: FlaskClient) -> None:
    assert "徽杭古道两日徒步" in client.get("/orders/1").text
    visitor = app.test_client()
    assert visitor.get("/orders/1").location == "/login?next=%2Forders%2F1"
    visitor.post("/login", data={"email": "chen@shanye.example", "password": "shanye"})
    assert visitor.get("/orders/1").status_code == 404


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "/\\evil.example", "//[", "/\n/"]
)
def test_login_ignores_next_url_of_other_site(app: Flask, next_url: str) -> None:
    response = app.test_client().post(
        "/login",
        query_string={"next": next_url},
        data={"email": "lin@shanye.example", "password": "shanye"},
    )
    assert response.location == "/"


def test_booking_sends_email_to_member(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[EmailMessage] = []

    class FakeMailServer:
        def __init__(self, host: str) -> None:
            assert host == "mail.example"

        def __enter__(self) -> "FakeMailServer":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def send_message(self, message: EmailMessage) -> None:
            sent.append(message)

    monkeypatch.setattr("smtplib.SMTP", FakeMailServer)
    app.config["MAIL_SERVER"] = "mail.example"
    page = client.post("/trips/2", follow_redirects=True)
    assert "雨崩秘境五日" in page.text
    [message] = sent
    assert message["To"] == "lin@shanye.example"
    assert "雨崩秘境五日" in message.get_content()
