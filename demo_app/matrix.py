"""The matrix: every row on every device, clicked and compared with what should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import current_app

from flask_xiebao import Platform, detect_platform

from .clicks import ENDS, Clicker, Outcome
from .devices import DEVICES, Device
from .rows import HERSELF, REFERENCES, ROWS, Row

_PARAMETERS = {"product": "caseCode", "policy": "insureNum"}

TITLES = {
    Platform.H5: "H5",
    Platform.PC: "PC",
    Platform.IOS: "iOS",
    Platform.ANDROID: "Android",
}

FILTERS = {
    "all": "全部",
    "ok": "✓ 符合",
    "bad": "✗ 不符",
    "accepted": "网关接受",
    "rejected": "网关拒绝",
    "handoff": "二维码",
    "login": "去登录",
    "refused": "不放行",
}


class Cell(NamedTuple):
    """What came of a row on a device, and what is wrong with that."""

    row: Row
    device: Device
    link: str
    headers: Mapping[str, str]
    outcome: Outcome
    problems: list[str]

    @property
    def platform(self) -> str:
        """The platform that was found at the click; empty when none was looked for."""
        return TITLES[self.outcome.platform] if self.outcome.platform else ""

    @property
    def result(self) -> str:
        """What came of it, and the simulator's verdict."""
        end = self.outcome.end
        title = ENDS[end].title if end in ENDS else end
        if self.outcome.verdict is None:
            return title
        word = "接受" if self.outcome.verdict.accepted else "拒绝"
        return f"{title} {word}" if end == "handoff" else f"网关{word}"

    @property
    def kinds(self) -> set[str]:
        """The filters that show it: keys of :data:`FILTERS`."""
        outcome = self.outcome
        kinds = {"all", "bad" if self.problems else "ok", outcome.end}
        if outcome.verdict is not None:
            kinds.add("accepted" if outcome.verdict.accepted else "rejected")
        if outcome.status >= 400:
            kinds.add("refused")
        return kinds


def matrix(chosen: str) -> dict[str, Any]:
    """Click every row on every device; leave out what has no cell of the *chosen* filter."""
    clicker = Clicker()
    lines = [
        (row, {name: make_cell(clicker, row, device) for name, device in DEVICES.items()})
        for row in ROWS.values()
    ]
    cells = [cell for _, line in lines for cell in line.values()]
    shown = [cell for cell in cells if chosen in cell.kinds]
    rows = {cell.row.name for cell in shown}
    devices = {cell.device.name for cell in shown}
    return {
        "devices": [device for name, device in DEVICES.items() if name in devices],
        "found": {name: found(device) for name, device in DEVICES.items()},
        "lines": [(row, line) for row, line in lines if row.name in rows],
        "chosen": chosen,
        "filters": {
            name: (title, sum(name in cell.kinds for cell in cells))
            for name, title in FILTERS.items()
        },
    }


def make_cell(clicker: Clicker, row: Row, device: Device) -> Cell:
    """Click *row* on *device*, and compare."""
    link = row.link()
    headers = {**device.headers, **row.headers}
    outcome = clicker.click(link, row.visitor, headers)
    return Cell(row, device, link, headers, outcome, list(_problems(row, device, outcome)))


def _problems(row: Row, device: Device, outcome: Outcome) -> Iterable[str]:
    """Say what is not as it should be."""
    platform = Platform.of(row.options.get("platform", device.platform))
    ends = row.ends
    if ends == "gateway" and row.page != "product" and platform is Platform.PC:
        ends, platform = "handoff", Platform.H5
    if outcome.end != ends:
        yield f"应当{ENDS[ends].should}"
    if outcome.verdict is None:
        return
    yield from outcome.verdict.reasons
    received = dict(outcome.verdict.parameters)
    for name, value in _expected(row, platform).items():
        if received.get(name) != value:
            yield f"{name} 应为 {value}，收到 {received.get(name, '的里面没有')}"
    if outcome.returns_to != row.options.get("return_to"):
        yield f"支付后应回到 {row.options.get('return_to')}，却回到 {outcome.returns_to}"


def _expected(row: Row, platform: Platform) -> dict[str, str]:
    """Return what the gateway should receive."""
    expected = {"platform": str(platform.value), "partnerUniqKey": HERSELF, **row.sends}
    reference = REFERENCES[row.page]
    if reference is not None:
        expected[_PARAMETERS[row.page]] = reference
    return expected


def found(device: Device) -> str:
    """Return the platform that the extension finds."""
    pattern = current_app.config.get("XIEBAO_APP_USER_AGENT")
    return TITLES[detect_platform(device.headers, app_user_agent=pattern)]
