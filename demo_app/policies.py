"""What has become of the members' policies: it follows from the facts, whichever came first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_xiebao import NotificationType

from .purchases import facts

# A member's own, and those that were issued in the place of one of theirs.
_OF_MEMBER = """
    SELECT * FROM facts WHERE insure_num IN (
        SELECT insure_num FROM facts WHERE member = :member
        UNION SELECT new_insure_num FROM facts WHERE member = :member AND step = 5 AND succeeded
    ) ORDER BY insure_num, step, id
"""


_OVER = ("reissued", "surrendered")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is known of one application number.

    :param state: ``reissued``, ``surrendered``, ``issued``, ``not_issued``, ``paid``, ``failed``,
        ``applied`` or ``unknown``.
    :param failure: why it is not issued, or not paid.
    :param some_are_out: not everybody who was insured still is.
    :param follows: the number that this one was issued in the place of.
    :param since: when the shop first heard of it, in seconds since the epoch.
    """

    insure_num: str
    state: str
    case_code: str | None = None
    product: str | None = None
    policy_num: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    price_fen: int | None = None
    failure: str | None = None
    some_are_out: bool = False
    replaced_by: str | None = None
    follows: str | None = None
    since: float = 0


def policies_of(member: str) -> list[Policy]:
    """Return a member's policies: those that are over after the others, the newest first."""
    known: dict[str, list[sqlite3.Row]] = {}
    with facts() as connection:
        for fact in connection.execute(_OF_MEMBER, {"member": member}):
            known.setdefault(fact["insure_num"], []).append(fact)
    reissues = {
        fact["new_insure_num"]: fact
        for found in known.values()
        for fact in of_step(found, NotificationType.REISSUE)
    }
    numbers = [*known, *(number for number in reissues if number not in known)]
    policies = []
    for number in numbers:
        reissue = reissues.get(number)
        replaced = known[reissue["insure_num"]] if reissue else []
        policies.append(policy(number, known.get(number, ()), reissue, replaced))
    return sorted(policies, key=lambda policy: (policy.state in _OVER, -policy.since))


def policy(
    number: str,
    found: Sequence[sqlite3.Row],
    reissue: sqlite3.Row | None,
    replaced: Sequence[sqlite3.Row],
) -> Policy:
    """Return what these facts make of a number.

    :param found: all facts about it, in an order that does not depend on when they came.
    :param reissue: the one that says that it was issued in the place of another.
    :param replaced: the facts about that other.
    """
    steps = (NotificationType.ISSUE, NotificationType.PAYMENT)
    failures = [fact for step in steps for fact in of_step(found, step, succeeded=False)]
    surrenders = of_step(found, NotificationType.SURRENDER)
    all_found = [*found, *([reissue] if reissue else [])]
    return Policy(
        insure_num=number,
        state=state_of(found, is_reissue=reissue is not None),
        case_code=first(all_found, "case_code"),
        product=first([*found, *replaced], "product"),
        policy_num=first(found, "policy_num"),
        start_date=first(found, "start_date"),
        end_date=first(found, "end_date"),
        price_fen=first(of_step(found, NotificationType.PAYMENT), "price_fen"),
        failure=first(failures, "failure"),
        some_are_out=any(fact["insurants_out"] for fact in surrenders),
        replaced_by=first(of_step(found, NotificationType.REISSUE), "new_insure_num"),
        follows=None if reissue is None else reissue["insure_num"],
        since=min(fact["heard_at"] for fact in all_found),
    )


def state_of(found: Sequence[sqlite3.Row], *, is_reissue: bool) -> str:
    """Return how far a policy has come: the last step that succeeded, whichever came first."""
    if of_step(found, NotificationType.REISSUE):
        return "reissued"
    surrenders = of_step(found, NotificationType.SURRENDER)
    if any(not fact["insurants_out"] for fact in surrenders):
        return "surrendered"
    # A policy from which somebody was taken out, or that has a file, was issued.
    issued = (
        *of_step(found, NotificationType.ISSUE),
        *of_step(found, NotificationType.POLICY_FILE),
    )
    if is_reissue or issued or surrenders:
        return "issued"
    if of_step(found, NotificationType.ISSUE, succeeded=False):
        return "not_issued"
    if of_step(found, NotificationType.PAYMENT):
        return "paid"
    # A failure takes back no success.
    if of_step(found, NotificationType.PAYMENT, succeeded=False):
        return "failed"
    # Of what is known by another step alone, nobody can say that it is not paid.
    return "applied" if of_step(found, NotificationType.APPLICATION) else "unknown"


def of_step(
    found: Sequence[sqlite3.Row], step: NotificationType, *, succeeded: bool = True
) -> list[sqlite3.Row]:
    """Return the facts that say that a step succeeded, or that it failed."""
    return [fact for fact in found if fact["step"] == step and fact["succeeded"] == succeeded]


def first(found: Sequence[sqlite3.Row], name: str) -> Any:
    """Return the first value that there is."""
    return next((fact[name] for fact in found if fact[name] is not None), None)
