"""The site for the load test of notifications: the demo, whose workers sometimes die."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

import demo_app
from flask_xiebao import Notification, notification_received

#: The value of the field ``otherInfo`` in a fatal notification. The worker stores the notification,
#: and then kills itself.
FATAL_INFO = {"word": "fatal"}


def create_app() -> Flask:
    """Return the demo. Its instance folder is the environment variable ``LOAD_FOLDER``."""
    folder = Path(os.environ["LOAD_FOLDER"])
    app = demo_app.create_app(str(folder))

    @notification_received.connect_via(app)
    def kill_worker_once(_app: Flask, notification: Notification, **_: Any) -> None:
        # The signal is sent after the notification was stored and before the response is sent.
        if notification.data.get("otherInfo") == FATAL_INFO:
            with suppress(FileExistsError):
                (folder / f"died.{notification.insure_num}").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)

    app.view_functions["xiebao_gateway.orderDetail"] = return_issued_order
    return app


def return_issued_order() -> Response:
    """Return the gateway's response to an order query, as if every order had been issued."""
    statuses = {"payStatus": 1, "issueStatus": 1, "effectiveStatus": 1}
    order = {"insureNum": request.get_json()["insureNum"], **statuses}
    return jsonify(respCode=0, data={"orderDetail": order})
