"""Send notifications to a server with two workers, and check that the genuine ones are stored.

Some notifications are forged. The genuine notifications are sent until the server confirms them, as
the gateway does, and then once more. Some genuine notifications kill the worker that has stored
them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from flask_xiebao.gateway.values import Secret
from flask_xiebao.simulator import wire
from tests.tools.load.notification_site import FATAL_INFO
from tests.tools.load.runner import LoadTest

CLIENTS = 6
_API_KEY = Secret("Key")
_WRONG_API_KEYS = (Secret("Key "), Secret("key"), Secret("12345Key"))


def send_notifications(test: LoadTest, seed: int, genuine: set[str]) -> None:
    """Send genuine and forged notifications until the load test stops.

    :param seed: The seed for the random choices, and the beginning of the application numbers.
    :param genuine: A set to which the application numbers of genuine notifications are added.
    """
    rng, count = random.Random(seed), 0  # noqa: S311
    while not test.stop_event.is_set():
        count += 1
        number = f"{seed}{count:06}"
        if rng.random() < 0.25:
            body = build_notification_body(rng.choice(_WRONG_API_KEYS), 1, f"9{number}")
            status = post_notification(test, "forged", body)
            if status not in (0, 403):
                test.violations.append(f"a forged notification returned {status}")
        else:
            genuine.add(number)
            info = FATAL_INFO if count == 20 else {"word": "harmless"}
            notify_type = rng.choice([1, 2, 3, 9])
            body = build_notification_body(
                _API_KEY, notify_type, number, partner_uniq_key="m", other_info=info
            )
            send_until_confirmed(test, number, body)
            send_until_confirmed(test, number, body)


def build_notification_body(
    api_key: Secret[str], notify_type: int, number: str, **values: object
) -> bytes:
    """Return the signed body of a notification about an application number."""
    fields = wire.build_notification_data("12345", notify_type, {"insure_num": number, **values})
    return wire.build_signed_notification(api_key, notify_type, fields)


def send_until_confirmed(test: LoadTest, number: str, body: bytes) -> None:
    """Send a genuine notification, up to 50 times if there is no response."""
    for _ in range(50):
        status = post_notification(test, "genuine", body)
        if status:
            break
        time.sleep(0.2)
    if status != 200:
        test.violations.append(f"{number} returned {status or 'no response'}")


def post_notification(test: LoadTest, kind: str, body: bytes) -> int:
    """Send a notification, and return the status of the response.

    Return 0 if there is no response, and -1 if the response's body does not fit its status.
    """
    connection = test.connect(timeout=20)
    try:
        connection.request("POST", "/xiebao/notify", body)
        response = connection.getresponse()
        state = json.loads(response.read())["state"]
        status = response.status if state is (response.status == 200) else -1
    except (OSError, http.client.HTTPException):
        status = 0
    connection.close()
    test.responses.append(f"{kind}, {status or 'no response'}")
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run the load test, and return 1 if a response was wrong or another error occurred."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.load.notifications")
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args(arguments).seconds
    genuine: set[str] = set()
    app = "tests.tools.load.notification_site:create_app()"
    with tempfile.TemporaryDirectory() as folder:
        with LoadTest(app, "/", LOAD_FOLDER=folder) as test:
            seeds = range(1, CLIENTS + 1)
            with test.run_clients([partial(send_notifications, test, n, genuine) for n in seeds]):
                time.sleep(seconds)
        dead_worker_count = len(list(Path(folder).glob("died.*")))
        connection = sqlite3.connect(f"{folder}/shop.sqlite3")
        rows = connection.execute("SELECT insure_num FROM xiebao_purchase")
        stored = {number for [number] in rows}
        connection.close()
    print(f"{len(test.responses):,} notifications in {seconds} s; {dead_worker_count} workers died")
    for kind, count in sorted(Counter(test.responses).items()):
        print(f"  {kind:<24}{count:>8,}")
    print(f"  {len(genuine):,} genuine notifications, {len(stored):,} stored rows")
    test.violations += [f"{number} is not stored" for number in genuine - stored]
    test.violations += [f"{number} is stored, although it is forged" for number in stored - genuine]
    if not dead_worker_count:
        test.violations.append("no worker died, so the test proves less")
    return test.print_violations()


if __name__ == "__main__":
    sys.exit(main())
