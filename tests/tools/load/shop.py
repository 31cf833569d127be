"""The demo as it is loaded with notifications; a worker of it may die after it has stored one."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

import demo_app
from flask_xiebao import Notification, notification_received

#: The word in a notification of which the worker dies that has just stored it, and once only.
FATAL = "fatal"


def create_app() -> Flask:
    """Return the demo, its instance folder as ``LOAD_FOLDER`` says."""
    folder = Path(os.environ["LOAD_FOLDER"])
    app = demo_app.create_app(str(folder))

    def die(_app: Flask, notification: Notification, **_: Any) -> None:
        # The handler has returned, and the answer is not there yet.
        if notification.data.get("otherInfo") == {"word": FATAL}:
            with suppress(FileExistsError):
                (folder / f"died.{notification.insure_num}").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)

    notification_received.connect(die, app, weak=False)
    app.view_functions["xiebao_gateway.orderDetail"] = know_every_order
    return app


def know_every_order() -> Response:
    """Answer an order query as the gateway does of an order that is issued."""
    statuses = {"payStatus": 1, "issueStatus": 1, "effectiveStatus": 1}
    order = {"insureNum": request.get_json()["insureNum"], **statuses}
    return jsonify(respCode=0, data={"orderDetail": order})
