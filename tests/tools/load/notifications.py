"""Loads two workers of gunicorn with notifications, some of them forged, and counts what is kept.

Each genuine one is sent until it is accepted, as the platform does it, and then once more. Some
kill the worker that has just stored them, before it can answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from flask_xiebao.gateway.values import Secret
from flask_xiebao.simulator import wire

from .server import HOST, Server
from .shop import FATAL

CLIENTS = 6
_KEY = Secret("Key")
_FATAL = 6  # of all clients together


class Platform(threading.Thread):
    """Sends notifications until it is told to stop."""

    def __init__(self, server: Server, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.server, self.seed, self.stop = server, seed, stop
        self.chance = random.Random(seed)  # noqa: S311 - the same mixture every time
        self.answers: Counter[str] = Counter()
        self.genuine: set[str] = set()
        self.forged: set[str] = set()
        self.wrong: list[str] = []

    def run(self) -> None:
        """Send."""
        count = 0
        while not self.stop.is_set():
            count += 1
            number = f"{self.seed}{count:06}"
            if self.chance.random() < 0.25:
                self._forge(f"9{number}")
                continue
            word = FATAL if count == 20 and self.seed <= _FATAL else "harmless"
            kind = self.chance.choice([1, 2, 3, 9])
            said = {"insure_num": number, "partner_uniq_key": "m", "other_info": {"word": word}}
            body = wire.build_signed_notification(
                _KEY, kind, wire.build_notification_data("12345", kind, said)
            )
            self.genuine.add(number)
            for _ in range(2):
                self._send_until_accepted(number, body)

    def _send_until_accepted(self, number: str, body: bytes) -> None:
        for _ in range(50):
            status = self._post(body)
            self.answers[f"genuine, {status or 'no answer'}"] += 1
            if status == 200:
                return
            if status:
                self.wrong.append(f"{number} is answered {status}")
                return
            time.sleep(0.2)
        self.wrong.append(f"{number} was never accepted")

    def _forge(self, number: str) -> None:
        fields = wire.build_notification_data("12345", 1, {"insure_num": number})
        key = self.chance.choice(["Key ", "key", "12345Key"])
        status = self._post(wire.build_signed_notification(Secret(key), 1, fields))
        self.forged.add(number)
        self.answers[f"forged, {status or 'no answer'}"] += 1
        if status not in (0, 403):
            self.wrong.append(f"a forged one is answered {status}")

    def _post(self, body: bytes) -> int:
        """Return the status of the answer; 0 where the worker died first."""
        connection = http.client.HTTPConnection(HOST, self.server.port, timeout=20)
        try:
            connection.request("POST", "/xiebao/notify", body)
            response = connection.getresponse()
            answer = json.loads(response.read())
            return response.status if answer["state"] is (response.status == 200) else -1
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the load; return 1 if anything was not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.load.notifications")
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args(arguments).seconds
    with tempfile.TemporaryDirectory() as folder:
        server = Server("tests.tools.load.shop:create_app()", "/", LOAD_FOLDER=folder)
        stop = threading.Event()
        clients = [Platform(server, seed, stop) for seed in range(1, CLIENTS + 1)]
        try:
            server.wait()
            for client in clients:
                client.start()
            stop.wait(seconds)
        finally:
            stop.set()
            for client in clients:
                if client.ident:
                    client.join(30)
            said = server.stop()
        violations = report(clients, Path(folder), said, seconds)
    for violation in violations[:20]:
        print(f"VIOLATION: {violation}")
    return 1 if violations else 0


def report(clients: list[Platform], folder: Path, said: str, seconds: int) -> list[str]:
    """Print what came of it; return the violations."""
    answers = sum((client.answers for client in clients), Counter[str]())
    genuine = set().union(*(client.genuine for client in clients))
    died = [file.name for file in folder.glob("died.*")]
    connection = sqlite3.connect(folder / "shop.sqlite3")
    kept = {number for [number] in connection.execute("SELECT insure_num FROM xiebao_purchase")}
    connection.close()
    print(f"{answers.total():,} notifications in {seconds} s; {len(died)} workers died of one")
    for kind, count in sorted(answers.items()):
        print(f"  {kind:<24}{count:>8,}")
    print(f"  genuine ones {len(genuine):,}, kept {len(kept):,}")
    violations = [problem for client in clients for problem in client.wrong]
    violations += [f"{number} is not kept" for number in genuine - kept]
    violations += [f"{number} is kept, and was forged" for number in kept - genuine]
    if not died:
        violations.append("no worker died: the load proves less")
    if "Traceback" in said:
        violations.append(f"the server logged an error: {said[-2000:]}")
    return violations


if __name__ == "__main__":
    sys.exit(main())
