"""Everything that a sandbox answers to a fixed course of requests, byte for byte; by itself it prints it.

Every endpoint is asked, limits are overrun, and faults are ordered. Two transcripts of a seed are equal, also in two
processes, in which Python arranges sets differently.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import httpx

from klaviyo_assets.sandbox import AnswerWith, FailRows, RunningSandbox, Settings, serve
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.asked import ASKED, a_little_of_everything
from klaviyo_assets_tests.sandbox.bodies import JOBS, LISTS, PROFILES
from klaviyo_assets_tests.sandbox.judge import client_of

STARTS_AT = 1_795_435_200.0


def transcript(seed: int) -> str:
    """What a new sandbox of a seed answers."""
    with (
        serve(Settings(seed=seed, speed=0, starts_at=STARTS_AT)) as sandbox,
        client_of(sandbox.url, sandbox.key) as klaviyo,
    ):
        # Links are made of the address that was asked for, and each sandbox has a port of its own.
        klaviyo.headers["host"] = "klaviyo.sandbox"
        lines = [_line(answer) for answer in _answers(sandbox, klaviyo)]
        assert sandbox.unmet_faults() == []
        return "\n".join(lines)


def _answers(sandbox: RunningSandbox, klaviyo: httpx.Client) -> Iterator[httpx.Response]:
    ids = a_little_of_everything(sandbox, klaviyo)
    # Deletions come last: the others need what they delete.
    for asked in sorted(ASKED, key=lambda asked: asked.method, reverse=True):
        sandbox.advance(1.5)
        yield asked.send(klaviyo, ids)
    for _ in range(2):
        yield klaviyo.get("/api/accounts")
    yield klaviyo.get(PROFILES, params={"filter": 'any(email,["p00001@example.com","p00002@example.com"])'})
    yield klaviyo.get(f"{LISTS}/NOPE01")
    sandbox.order_fault(FailRows(indexes=(1, 2)), path=JOBS)
    for fault in (AnswerWith(503), AnswerWith(503, after_work=True), AnswerWith(403, html=True)):
        sandbox.order_fault(fault, path=LISTS)
    yield klaviyo.post(JOBS, json=bodies.bulk(bodies.people(4)))
    sandbox.advance(60)
    for _ in range(3):
        yield klaviyo.get(LISTS)
    for job in klaviyo.get(JOBS).json()["data"]:
        sandbox.advance(1)
        yield klaviyo.get(f"{JOBS}/{job['id']}/import-errors")


def _line(answer: httpx.Response) -> str:
    return f"{answer.request.method} {answer.status_code} {answer.headers.raw} {answer.content!r}"


if __name__ == "__main__":
    sys.stdout.write(transcript(seed=int(sys.argv[1])))
