"""Measure the extension and similar libraries, and fail if the extension is too slow.

A limit is a ratio between the times of two functions that do similar work, so that the speed of the
machine matters little.

The page "Performance" of the manual explains the figures.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import fake_useragent
import segno
import ua_parser
import user_agents
from device_detector import DeviceDetector
from flask_bootstrap import Bootstrap5
from qixinApi.qixinApi import QxSdk
from sqlalchemy import create_engine

from flask_xiebao import Platform, Xiebao, detect_platform
from tests.deep.databases import run_postgresql
from tests.tools.benchmarks import sites
from tests.tools.benchmarks.measure import Run, build_request_sender, measure_medians, print_table
from tests.tools.benchmarks.sites import CODE, GATEWAY, MEMBER, PC, PHONE
from tests.tools.memory import get_resident_mib
from tests.unit.ua_samples import SAMPLES

#: The sentences to print at the end, one for each time limit that a benchmark exceeded.
EXCEEDED: list[str] = []

BARE_APP = sites.create_site()
APP, XIEBAO = sites.create_site_with_entries()


def measure_clicks() -> None:
    """Measure clicks on entries, a plain redirect, and the login redirects of other extensions."""
    with APP.test_request_context():
        link = XIEBAO.product_link(CODE)
        member_link = XIEBAO.product_link(CODE, member=MEMBER)
        link_with_return = XIEBAO.product_link(CODE, return_to="/orders/8")
    flask_login = sites.create_site(sites.add_flask_login)
    flask_dance = sites.create_site(sites.add_flask_dance)
    compare_functions(
        "One click, from WSGI call to 302",
        {
            "bare `redirect()`": build_request_sender(BARE_APP, "/go", 302, PHONE),
            "a click": build_request_sender(APP, link, 302, PHONE),
            "a click on a member's link": build_request_sender(APP, member_link, 302, PHONE),
            "a click with `return_to`": build_request_sender(APP, link_with_return, 302, PHONE),
            "Flask-Login's redirect to a login": build_request_sender(
                flask_login, "/members", 302, PHONE
            ),
            "Flask-Dance's redirect to a login": build_request_sender(
                flask_dance, "/login/github", 302, PHONE
            ),
        },
        calls=300,
        limits={"a click": 1.2, "a click with `return_to`": 1.7},
    )
    compare_functions(
        "A request that uses nothing of the extension",
        {
            "without the extension": build_request_sender(BARE_APP, "/nothing", 200, PHONE),
            "with the extension": build_request_sender(APP, "/nothing", 200, PHONE),
        },
        calls=1000,
        limits={"with the extension": 1.05},
    )


def measure_stored_clicks() -> None:
    """Measure a click that is stored in a database, and a view that inserts a similar row."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        urls = {"SQLite": f"sqlite:///{folder}/shop.sqlite3"}
        if any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
            urls["PostgreSQL"] = stack.enter_context(run_postgresql())
        for name, url in urls.items():
            engine = create_engine(url)
            stack.callback(engine.dispose)
            app, xiebao = sites.create_site_storing_clicks(engine)
            with app.test_request_context():
                link = xiebao.product_link(CODE, client_reference="8")
            compare_functions(
                f"A click that is stored, {name}, elapsed time",
                {
                    "a view that stores a row and redirects": build_request_sender(
                        app, "/store", 302, PHONE
                    ),
                    "a click that is not stored": build_request_sender(APP, link, 302, PHONE),
                    "a click that is stored": build_request_sender(app, link, 302, PHONE),
                },
                calls=20,
                clock=time.perf_counter,
            )


def measure_pages() -> None:
    """Measure pages with entries and pages with plain links."""
    bootstrap = sites.create_site(Bootstrap5)
    compare_functions(
        "A page",
        {
            "100 plain `<a href>`": build_request_sender(BARE_APP, "/few/plain/100", 200, PHONE),
            "100 entries": build_request_sender(APP, "/few/entries/100", 200, PHONE),
            "100 entries with a class": build_request_sender(
                APP, "/few/entries-class/100", 200, PHONE
            ),
            "100 cards": build_request_sender(APP, "/few/cards/100", 200, PHONE),
            "100 `xiebao_link`": build_request_sender(APP, "/few/links/100", 200, PHONE),
            "100 policies of a member": build_request_sender(APP, "/few/policies/100", 200, PHONE),
            "100 Bootstrap-Flask nav items": build_request_sender(
                bootstrap, "/few/bootstrap/100", 200, PHONE
            ),
        },
        calls=10,
        limits={"100 entries": 1.4},
    )
    compare_functions(
        "A page with other products in each request, of 50,000",
        {
            "100 `<a href>` with a signed code": build_request_sender(
                BARE_APP, "/many/signed/100", 200, PHONE
            ),
            "100 plain `<a href>`": build_request_sender(BARE_APP, "/many/plain/100", 200, PHONE),
            "100 entries": build_request_sender(APP, "/many/entries/100", 200, PHONE),
        },
        calls=20,
        limits={"100 entries": 1.3},
    )
    rows = []
    for count in (1, 10, 100, 1000):
        plain, entries = measure_medians(
            {
                "plain": build_request_sender(BARE_APP, f"/few/plain/{count}", 200, PHONE),
                "entries": build_request_sender(APP, f"/few/entries/{count}", 200, PHONE),
            },
            calls=max(1, 500 // count),
            rounds=9,
        ).values()
        rows.append([f"{count:,}", f"{plain:,.0f}", f"{entries:,.0f}", f"{entries / plain:.2f}"])
    head = ["links", "plain µs", "entries µs", "ratio"]
    print_table("A page with different numbers of links", head, rows)


def measure_handoff_pages() -> None:
    """Measure the handoff page and the QR code alone, with a different member in each request."""
    members = (f"m_{number:010}" for number in itertools.count())
    app = sites.create_site()
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: next(members))
    with app.test_request_context():
        home_link = xiebao.home_link()
        # Build the links before the measurement, so that their build time does not count.
        # compare_functions() measures up to three times, and each measurement needs 250 links.
        links = iter(
            [
                xiebao.home_link(member=next(members), no_login_for=300, external=True)
                for _ in range(750)
            ]
        )
    compare_functions(
        "A handoff page, another member each time",
        {
            "`segno.make_qr()` and its SVG": lambda: segno.make_qr(next(links)).svg_inline(),
            "the same with one mask": lambda: segno.make_qr(next(links), mask=0).svg_inline(),
            "a handoff page": build_request_sender(app, home_link, 200, PC),
        },
        calls=5,
        limits={"a handoff page": 0.5},
    )


def measure_platform_detection() -> None:
    """Measure ``detect_platform`` and other User-Agent parsers, and count their correct answers."""
    data = Path(fake_useragent.__file__).with_name("data") / "browsers.jsonl"
    browsers = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    generated = {row["useragent"]: row["type"] == "desktop" for row in browsers}
    families = {sample.agent: sample.platform is Platform.PC for sample in SAMPLES}
    is_pc: dict[str, Callable[[str], Any]] = {
        "detect_platform": lambda agent: detect_platform({"User-Agent": agent}) is Platform.PC,
        "user-agents": lambda agent: user_agents.parse(agent).is_pc,
        "device_detector": lambda agent: DeviceDetector(agent).parse().is_desktop(),
        # ua-parser returns the system and the device, but not whether the device is a PC.
        "ua-parser": ua_parser.parse,
    }
    # The libraries cache their results, so each User-Agent must be different. Build all User-Agents
    # before the measurement begins.
    calls, rounds = 200, 9
    agents = itertools.islice(itertools.cycle(generated), calls * rounds)
    distinct_agents = [f"{agent} N/{number}" for number, agent in enumerate(agents)]
    # Each call of __next__ detects the platform of the next User-Agent.
    runs = {name: map(detect, distinct_agents).__next__ for name, detect in is_pc.items()}
    times = measure_medians(runs, calls=calls, rounds=rounds)
    rows = []
    for name, detect in is_pc.items():
        accuracies = [
            f"{sum(detect(agent) == pc for agent, pc in agents.items()) / len(agents):.2%}"
            for agents in (generated, families)
            if name != "ua-parser"
        ] or ["", ""]
        ratio = times[name] / times["detect_platform"]
        rows.append([name, f"{times[name]:,.1f}", f"{ratio:,.0f}", *accuracies])
    head = ["", "µs, distinct agents", "ratio", f"right of {len(generated):,} from fake-useragent"]
    print_table("PC or not", [*head, f"right of {len(families)} of the families"], rows)


def measure_published_client() -> None:
    """Measure ``Gateway.policy_url`` and ``qixinApi``, a client for the same family of gateways."""
    client = QxSdk("12345", "Key")
    runs: dict[str, Run] = {
        "`qixinApi`": lambda: client.get_insure_detail_url("20190226020146", MEMBER),
        "`Gateway.policy_url`": lambda: GATEWAY.policy_url(
            "20190226020146", partner_uniq_key=MEMBER
        ),
    }
    theirs, ours = (dict(parse_qsl(urlsplit(str(run())).query)) for run in runs.values())
    verdict = "the same query parameters" if theirs == ours else "other query parameters"
    compare_functions(f"A policy's URL: {verdict} ({', '.join(sorted(ours))})", runs, calls=3000)


def measure_memory(click_count: int) -> None:
    """Measure the memory after many clicks, and after pages with a lot of text.

    :param click_count: The number of clicks, each with a different link and User-Agent.
    """
    rows = []
    for start, end in ((0, 10_000), (10_000, click_count)):
        for number in range(start, end):
            with APP.test_request_context():
                link = XIEBAO.product_link(f"QX{number}", return_to=f"/orders/{number}")
            build_request_sender(
                APP, link, 302, {"User-Agent": f"{PHONE['User-Agent']} N/{number}"}
            )
        rows.append([f"{end:,} distinct clicks", f"{get_resident_mib():.1f}"])
    for start, end in ((0, 20), (20, 2000)):
        for _ in range(start, end):
            build_request_sender(APP, "/few/form/1", 200, PHONE)
        rows.append([f"{end:,} pages with 400 kB in an attribute", f"{get_resident_mib():.1f}"])
    print_table("Memory", ["after", "resident MiB"], rows)


def compare_functions(
    title: str,
    runs: dict[str, Run],
    *,
    calls: int,
    limits: Mapping[str, float] | None = None,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Measure functions, and print their times and the ratios to the first function's time.

    :param limits: The maximum ratios, by the name of the function. If a function exceeds its limit,
        all functions are measured again, three times at most, and the lowest ratios count.
    """
    limits = limits or {}
    best: dict[str, tuple[float, float]] = {}
    for _ in range(3):
        times = measure_medians(runs, calls=calls, clock=clock)
        base = next(iter(times.values()))
        for name, duration in times.items():
            best[name] = min(best.get(name, (math.inf, 0)), (duration / base, duration))
        exceeded = [name for name, limit in limits.items() if best[name][0] > limit]
        if not exceeded:
            break
    rows = [
        [name, f"{duration:,.1f}", f"{ratio:.2f}", f"{limits[name]:g}" if name in limits else ""]
        for name, (ratio, duration) in best.items()
    ]
    print_table(title, ["", "µs", "ratio", "limit"], rows)
    EXCEEDED.extend(
        f"{title}: {name} has the ratio {best[name][0]:.3f}. The limit is {limits[name]:g}."
        for name in exceeded
    )


def main() -> int:
    """Run all benchmarks, and return 1 if a function exceeded its limit.

    The command line argument is the number of different clicks before the memory is measured.
    """
    print(
        f"{date.today()}, Python {platform.python_version()}, Flask {version('flask')},"
        f" Werkzeug {version('werkzeug')}, {os.cpu_count()} processors ({platform.machine()});"
        " processor time unless elapsed time is named, medians of interleaved rounds."
    )
    measure_clicks()
    measure_pages()
    measure_handoff_pages()
    measure_platform_detection()
    measure_published_client()
    # This benchmark connects signal receivers, which would slow down the benchmarks above.
    measure_stored_clicks()
    measure_memory(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    for sentence in EXCEEDED:
        print(sentence)
    return 1 if EXCEEDED else 0


if __name__ == "__main__":
    sys.exit(main())
