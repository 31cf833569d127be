"""Send clicks to a server with two workers, kill one worker, and check every response.

All traffic stays on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import secrets
import signal
import sys
import time
from collections import Counter, defaultdict
from functools import partial

from tests.tools.load.click_requests import ClickRequest, RequestGenerator
from tests.tools.load.runner import LoadTest
from tests.tools.memory import get_resident_mib

CLIENTS = 6
# The number of requests after which a client opens a new connection, because another worker may
# accept the new connection.
_REQUESTS_PER_CONNECTION = 25
# The number of seconds in which a worker's memory may grow by any amount, and the maximum growth in
# MiB afterwards.
_WARM_UP_SECONDS, _MAX_GROWTH = 10, 2


def send_clicks(test: LoadTest, generator: RequestGenerator, lost_at: list[float]) -> None:
    """Send the requests of a generator over persistent connections.

    :param lost_at: A list to which the times of requests without a response are added.
    """
    connection = test.connect()
    for number, request in enumerate(generator):
        if test.stop_event.is_set():
            break
        if number % _REQUESTS_PER_CONNECTION == 0:
            connection.close()  # The next request opens a new connection.
        try:
            send_click(test, generator, connection, request)
        except (OSError, http.client.HTTPException):
            lost_at.append(time.monotonic())
            connection.close()
    connection.close()


def send_click(
    test: LoadTest,
    generator: RequestGenerator,
    connection: http.client.HTTPConnection,
    request: ClickRequest,
) -> None:
    """Send a request, and record the response, the links on the page and any wrong result."""
    headers = {**request.headers, "Cookie": generator.build_session_cookie(request.login)}
    connection.request("GET", request.path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    worker = int(response.headers.get("X-Worker", "0"))
    is_other_worker = request.worker not in (None, worker)
    test.responses.append("served by another worker" if is_other_worker else request.kind)
    if request.kind == "page":
        generator.record_links(request, worker, body)
    if violation := request.find_violation(response, body):
        test.violations.append(f"{request.kind} {request.path[:60]}: {violation}")


def main() -> int:
    """Run the load test, and return 1 if a response was wrong or another error occurred."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args().seconds
    secret_key = secrets.token_hex()
    served_requests: list[ClickRequest] = []
    lost_at: list[float] = []
    memory: defaultdict[int, list[float]] = defaultdict(list)
    app = "tests.tools.load.click_site:create_app()"
    with LoadTest(app, "/page", LOAD_SECRET_KEY=secret_key) as test:
        generators = [RequestGenerator(secret_key, n, served_requests) for n in range(CLIENTS)]
        first_workers = test.get_worker_pids()
        with test.run_clients([partial(send_clicks, test, each, lost_at) for each in generators]):
            for second in range(seconds):
                if second == seconds // 2:
                    killed_at = time.monotonic()
                    os.kill(first_workers[0], signal.SIGKILL)
                time.sleep(1)
                for pid in test.get_worker_pids():
                    with contextlib.suppress(OSError, IndexError):  # The worker may have died.
                        memory[pid].append(get_resident_mib(pid))
    total = len(test.responses)
    print(f"{total:,} requests in {seconds} s ({total / seconds:,.0f} per second)")
    for kind, count in sorted(Counter(test.responses).items()):
        print(f"  {kind:<24}{count:>8,}")
    print(f"  wrong responses: {len(test.violations)}; without a response: {len(lost_at)}")
    for pid, sizes in memory.items():
        first, last = sizes[min(_WARM_UP_SECONDS, len(sizes) - 1)], max(sizes[-3:])
        print(
            f"  worker {pid}: {len(sizes)} s, {first:.1f} MiB at first, {last:.1f} MiB at the end"
        )
        # Ignore the growth of a worker that ran only for a short time, because the worker has not
        # reached its usual memory size.
        if len(sizes) > _WARM_UP_SECONDS and last - first > _MAX_GROWTH:
            test.violations.append(f"worker {pid} grew by {last - first:.1f} MiB")
    # When a worker dies, each client may lose its current request. A client may also lose its next
    # request if the client does not know yet that the connection is closed.
    if len(lost_at) > 2 * CLIENTS or any(not 0 <= at - killed_at < 12 for at in lost_at):
        test.violations.append(
            f"{len(lost_at)} requests were lost, and not all because of the kill"
        )
    if not memory.keys() - set(first_workers):
        test.violations.append("the killed worker was not replaced")
    if "served by another worker" not in test.responses:
        test.violations.append("no link was opened by another worker, so the test proves nothing")
    return test.print_violations()


if __name__ == "__main__":
    sys.exit(main())
