"""Prints what the extension costs beside its peers; see README, "What it costs"."""

from __future__ import annotations

import itertools
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import fake_useragent
import user_agents
from device_detector import DeviceDetector
from flask import Flask, redirect, render_template
from flask_bootstrap import Bootstrap5
from flask_dance.contrib.github import make_github_blueprint
from jinja2 import DictLoader
from qixinApi.qixinApi import QxSdk

from flask_xiebao import Gateway, Platform, Xiebao, detect_platform
from tests.benchmarks.measure import medians, request, resident, table
from tests.ua_samples import SAMPLES

PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
}
CODES = [f"QX{number:012}" for number in range(100)]
PAGES = {
    "plain": '{% for c in codes %}<a href="{{ url_for("product", code=c) }}">Get insured</a>'
    "{% endfor %}",
    "bootstrap": '{% from "bootstrap5/nav.html" import render_nav_item %}'
    '{% for c in codes %}{{ render_nav_item("product", "Get insured", code=c) }}{% endfor %}',
    "ours": '{% from "xiebao/entry.html" import insurance_entry %}'
    "{% for c in codes %}{{ insurance_entry(c) }}{% endfor %}",
    "ours with a class": '{% from "xiebao/entry.html" import insurance_entry %}'
    '{% for c in codes %}{{ insurance_entry(c, class="btn btn-primary") }}{% endfor %}',
}


def site() -> Flask:
    """Return a site that has no extension yet."""
    app = Flask("bench")
    app.config.update(
        SECRET_KEY="a secret",
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY="Key",
        XIEBAO_ENV="test",
    )
    app.jinja_loader = DictLoader({f"{name}.html": source for name, source in PAGES.items()})
    app.add_url_rule("/product/<code>", "product", lambda code: code)
    app.add_url_rule(
        "/page/<name>/<int:count>",
        "page",
        lambda name, count: render_template(f"{name}.html", codes=CODES[:1] * count),
    )
    app.add_url_rule(
        "/hundred/<name>", "hundred", lambda name: render_template(f"{name}.html", codes=CODES)
    )
    return app


GATEWAY = Gateway("12345", "Key")
READY_URL = GATEWAY.product_url(CODES[0], partner_uniq_key="m_7Qk2vX9rT4", platform=Platform.H5)
OURS, BARE = site(), site()
xiebao = Xiebao(OURS)
xiebao.member_loader(lambda: "m_7Qk2vX9rT4")
Bootstrap5(BARE)
BARE.add_url_rule("/go", "go", lambda: redirect(READY_URL))


def clicks() -> None:
    """A click beside a bare redirect and Flask-Dance's redirect to a login."""
    dance = Flask("dance")
    dance.secret_key = "a secret"
    dance.register_blueprint(make_github_blueprint("id", "secret"), url_prefix="/login")
    with OURS.test_request_context():
        plain = xiebao.product_link(CODES[0])
        of_member = xiebao.product_link(CODES[0], member="m_7Qk2vX9rT4")
        back = xiebao.product_link(CODES[0], return_to="/orders/8")
    found = medians(
        {
            "bare `redirect()`": request(BARE, "/go", 302, PHONE),
            "a click": request(OURS, plain, 302, PHONE),
            "a click on a member's link": request(OURS, of_member, 302, PHONE),
            "a click that comes back after payment": request(OURS, back, 302, PHONE),
            "Flask-Dance's login redirect": request(dance, "/login/github", 302, PHONE),
        },
        calls=300,
    )
    compare("One click, from WSGI call to 302", found, "bare `redirect()`")


def pages() -> None:
    """A page of entries beside the same page of plain links."""
    found = medians(
        {
            "100 plain `<a href>`": request(BARE, "/hundred/plain", 200, PHONE),
            "100 entries": request(OURS, "/hundred/ours", 200, PHONE),
            "100 entries with a class": request(OURS, "/hundred/ours with a class", 200, PHONE),
            "100 Bootstrap-Flask nav items": request(BARE, "/hundred/bootstrap", 200, PHONE),
        },
        calls=10,
    )
    compare("A page", found, "100 plain `<a href>`")
    rows = []
    for count in (1, 10, 100, 1000):
        found = medians(
            {
                "plain": request(BARE, f"/page/plain/{count}", 200, PHONE),
                "ours": request(OURS, f"/page/ours/{count}", 200, PHONE),
            },
            calls=max(1, 500 // count),
            rounds=9,
        )
        ratio = found["ours"] / found["plain"]
        rows.append([f"{count:,}", *(f"{time:,.0f}" for time in found.values()), f"{ratio:.2f}"])
    table("The shape of a page", ["entries", "plain µs", "ours µs", "ratio"], rows)


def detection() -> None:
    """`detect_platform` beside other libraries, on User-Agents that nobody tuned it to."""
    data = Path(fake_useragent.__file__).with_name("data") / "browsers.jsonl"
    browsers = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    generated = {row["useragent"]: row["type"] == "desktop" for row in browsers}
    families = {sample.agent: sample.platform is Platform.PC for sample in SAMPLES}
    detectors: dict[str, Callable[[str], bool]] = {
        "detect_platform": lambda agent: detect_platform({"User-Agent": agent}) is Platform.PC,
        "user-agents": lambda agent: user_agents.parse(agent).is_pc,
        "device_detector": lambda agent: DeviceDetector(agent).parse().is_desktop(),
    }
    # Each agent is asked for once a round; the libraries' own caches get new ones each time.
    distinct = [itertools.count() for _ in detectors]

    def asking(detect: Any, numbers: Any) -> Any:
        pool = itertools.cycle(generated)
        return lambda: detect(f"{next(pool)} N/{next(numbers)}")

    found = medians(
        {
            name: asking(detect, numbers)
            for (name, detect), numbers in zip(detectors.items(), distinct, strict=True)
        },
        calls=200,
        rounds=9,
    )
    rows = []
    for name, detect in detectors.items():
        shares = [
            sum(detect(agent) == pc for agent, pc in labelled.items()) / len(labelled)
            for labelled in (generated, families)
        ]
        ratio = found[name] / found["detect_platform"]
        shown = [f"{share:.2%}" for share in shares]
        rows.append([name, f"{found[name]:,.1f}", f"{ratio:.0f}", *shown])
    table(
        "PC or not",
        [
            "",
            "µs, distinct agents",
            "times ours",
            f"right of {len(generated):,} from fake-useragent",
            f"right of {len(families)} of the families",
        ],
        rows,
    )


def published_client() -> None:
    """The same policy URL from a published client of the same gateway family."""
    theirs = QxSdk("12345", "Key").get_insure_detail_url("20190226020146", "m_7Qk2vX9rT4")
    ours = GATEWAY.policy_url("20190226020146", partner_uniq_key="m_7Qk2vX9rT4")
    said = [dict(parse_qsl(urlsplit(url).query)) for url in (theirs, ours)]
    verdict = "the same query parameters" if said[0] == said[1] else "other query parameters"
    print(f"\n`Gateway.policy_url` and `qixinApi`: {verdict} ({', '.join(sorted(said[1]))}).")


def memory(most: int) -> None:
    """Memory after many clicks, no two of which are alike."""
    rows = []
    done = 0
    for goal in (10_000, most):
        for number in range(done, goal):
            with OURS.test_request_context():
                link = xiebao.product_link(f"QX{number}", return_to=f"/orders/{number}")
            request(OURS, link, 302, {"User-Agent": f"{PHONE['User-Agent']} N/{number}"})
        done = goal
        rows.append([f"{goal:,}", f"{resident():.1f}"])
    table("Memory", ["after distinct clicks", "resident MiB"], rows)


def compare(title: str, found: dict[str, float], base: str) -> None:
    """Print times beside those of *base*."""
    rows = [[name, f"{time:,.1f}", f"{time / found[base]:.2f}"] for name, time in found.items()]
    table(title, ["", "µs", "ratio"], rows)


def main() -> None:
    """Measure everything."""
    print(
        f"{date.today()}, Python {platform.python_version()}, Flask {version('flask')},"
        f" Werkzeug {version('werkzeug')}, {os.cpu_count()} processors ({platform.machine()});"
        " processor time, medians of interleaved rounds."
    )
    clicks()
    pages()
    detection()
    published_client()
    memory(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


if __name__ == "__main__":
    main()
