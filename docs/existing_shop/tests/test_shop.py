from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_everybody_sees_the_trips(app: Flask) -> None:
    page = app.test_client().get("/")
    assert "徽杭古道两日徒步" in page.text


def test_what_is_said_to_one_is_said_to_nobody_else(app: Flask, client: FlaskClient) -> None:
    stranger = app.test_client()
    stranger.get("/orders/1")
    assert "请先登录。" in stranger.get("/").text
    assert "请先登录。" not in client.get("/").text


def test_orders_are_for_their_member(app: Flask, client: FlaskClient) -> None:
    assert "徽杭古道两日徒步" in client.get("/orders/1").text
    stranger = app.test_client()
    assert stranger.get("/orders/1").location == "/login?next=%2Forders%2F1"
    stranger.post("/login", data={"email": "chen@shanye.example", "password": "shanye"})
    assert stranger.get("/orders/1").status_code == 404


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example", "/\\evil.example", "//[", "/\n/"]
)
def test_a_login_sends_nobody_away(app: Flask, away: str) -> None:
    answer = app.test_client().post(
        "/login",
        query_string={"next": away},
        data={"email": "lin@shanye.example", "password": "shanye"},
    )
    assert answer.location == "/"


def test_whoever_books_gets_a_mail(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[EmailMessage] = []

    class Server:
        def __init__(self, host: str) -> None:
            assert host == "mail.example"

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def send_message(self, message: EmailMessage) -> None:
            sent.append(message)

    monkeypatch.setattr("smtplib.SMTP", Server)
    app.config["MAIL_SERVER"] = "mail.example"
    page = client.post("/trips/2", follow_redirects=True)
    assert "雨崩秘境五日" in page.text
    [message] = sent
    assert message["To"] == "lin@shanye.example"
    assert "雨崩秘境五日" in message.get_content()
