"""Every effect that the sandbox knows, at the steps of a delivery: nothing that the delivery says holds a person.

What real runs of Dagster keep and print is looked at in `test_secrets.py`.
"""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.delivery import Order, deliver
from klaviyo_assets.errors import KlaviyoAssetsError
from klaviyo_assets.sandbox import (
    AlterAnswer,
    AnswerWith,
    ChangeScopes,
    CutBody,
    DelayAnswer,
    DeleteList,
    DropConnection,
    DropFields,
    Effect,
    EndBulkJob,
    FailRows,
    PutOnList,
    RevokeKey,
    RunningSandbox,
    Settings,
    SlowBody,
    TakeOffList,
    serve,
)
from klaviyo_assets.sandbox.effects import EFFECTS
from klaviyo_assets_tests.delivery.scene import CONNECTION, Scene, export
from klaviyo_assets_tests.frames_made import profiles, rejections

MARKERS = ("zyzzyva", "37129990000")
ACCOUNT, THE_LIST = "Marked", "Marked01"
KEY = "pk_zyzzyvasecretzyzzyvasecretzyzzyva"
LIST = "^/api/lists/[^/]+"
STEPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "account": ({"path": "/api/accounts"}, {}),
    "lists": ({"method": "GET", "path": "/api/lists"}, {"list_name": "another"}),
    "create the list": ({"method": "POST", "path": "/api/lists"}, {"list_name": "one more"}),
    "the list": ({"method": "GET", "path": f"{LIST}$"}, {}),
    "members": ({"method": "GET", "path": f"{LIST}/profiles$"}, {}),
    "import": ({"method": "POST", "path": "/api/profile-bulk-import-jobs"}, {}),
    "bulk jobs": ({"method": "GET", "path": "/api/profile-bulk-import-jobs"}, {}),
    "import errors": ({"method": "GET", "path": "/api/profile-bulk-import-jobs/*/import-errors"}, {}),
    "clear": ({"method": "POST", "path": "/api/profile-import"}, {}),
    "remove": ({"method": "DELETE", "path": f"{LIST}/relationships/profiles$"}, {}),
    "profiles": ({"method": "GET", "path": "/api/profiles"}, {"dry_run": True}),
}
QUOTE = {
    "code": "invalid",
    "title": "zyzzyva",
    "detail": "zyzzyva0@example.com, zyzzyva name, +37129990000",
    "source": {"pointer": "/data/attributes/profiles/data/0/attributes/phone_number", "parameter": "zyzzyva"},
    "meta": {"duplicate_profile_id": "zyzzyva"},
}
QUOTED: dict[str, Any] = {"errors": (QUOTE,)}
ANYWHERE: dict[str, Effect] = {
    **{str(status): AnswerWith(status, **QUOTED) for status in (302, 400, 401, 403, 404, 409, 410, 422, 500)},
    "413": AnswerWith(413, **QUOTED),
    "429": AnswerWith(429, retry_after="99999", **QUOTED),
    "400 after work": AnswerWith(400, after_work=True, **QUOTED),
    "page, 403": AnswerWith(403, html=True),
    "page, 200": AnswerWith(200, html=True),
    "dropped": DropConnection(),
    "dropped after work": DropConnection(after_work=True),
    "late": DelayAnswer(0.01),
    "slow": SlowBody(0.001),
    "cut": CutBody(),
    "other fields": AlterAnswer({"/zyzzyva": "zyzzyva0@example.com"}),
    "not a document of ours": AlterAnswer({"/data": "zyzzyva0@example.com"}),
    "strange people": AlterAnswer({"/data": [{"id": "zyzzyva", "attributes": "zyzzyva0@example.com"}]}),
    "key revoked": RevokeKey(),
    "scopes changed": ChangeScopes(("accounts:read",)),
    "taken off by others": TakeOffList(THE_LIST, ("zyzzyva1@example.com",)),
    "put on by others": PutOnList(THE_LIST, ("zyzzyva9@example.com",), after_work=True),
}
OF_BULK_JOBS: dict[str, Effect] = {
    "rows fail": FailRows(emails=("zyzzyva1@example.com",), detail="zyzzyva1@example.com", title="zyzzyva"),
    "rows fail, unnamed": FailRows(indexes=(0,), detail="zyzzyva", with_pointer=False),
    "number left out": DropFields(indexes=(0, 1, 2, 3, 4)),
    "list deleted": DeleteList(THE_LIST),
    "cancelled": EndBulkJob("cancelled", applied_share=0.5),
    "stuck queued": EndBulkJob("stuck_queued"),
    "stuck processing": EndBulkJob("stuck_processing", applied_share=0.5),
    "expired": EndBulkJob("expired"),
}


class Stage(Scene):
    """Deliveries of marked people; each has something to do at every step."""

    rounds: Iterator[int]

    def deliver(self, *, dry_run: bool = False, **changes: Any) -> str:
        """One delivery, and all that it said: its report or its error, as Dagster is told it, trace and all."""
        number = next(self.rounds)
        said: list[str] = []
        if not dry_run:  # a row that fails, so that import errors are asked for
            self.sandbox.order_fault(FailRows(emails=(f"zyzzyva{number + 1}@example.com",), detail="zyzzyva"), times=9)
        with self.client(KEY) as client:
            try:
                report = deliver(
                    Order(export(allow_flows=True, **changes), CONNECTION, f"run-{number}", dry_run=dry_run),
                    profiles=profiles(people(number)),
                    rejections=rejections([("zyzzyva@", "email_invalid")]),
                    client=client,
                    storage=self.storage,
                    log=said.append,
                    show=said.append,
                )
            except (KlaviyoAssetsError, ValueError, TypeError, LookupError, pl.exceptions.PolarsError) as error:
                return "".join([*said, *traceback.format_exception(error)])
        return "".join([*said, repr(report), report.summary(), str(report.numbers()), report.unfinished or ""])

    def set_up(self) -> None:
        """The key opens the account, and the list is there."""
        self.sandbox.add_account(KEY, account_id=ACCOUNT)
        if THE_LIST not in [each["id"] for each in self.sandbox.state.lists(ACCOUNT)]:
            self.sandbox.create_list("VIP", list_id=THE_LIST, account_id=ACCOUNT)

    def go_on(self) -> None:
        """An hour later, all is well again."""
        self.sandbox.state.faults.clear()
        self.set_up()
        self.sandbox.advance(3600)


def people(number: int) -> Mapping[str, str]:
    """Five of them in each round: the oldest leaves, one comes, one loses his phone number."""
    return {f"zyzzyva{each}@example.com": _payload(each, number) for each in range(number, number + 5)}


def _payload(person: int, number: int) -> str:
    known = {"first_name": "zyzzyva name"} if person > number + 2 else {}
    phone = {"phone_number": f"+371299900{person % 100:02}"} if person > number + 3 else {}
    attributes = {"email": f"zyzzyva{person}@example.com", **known, **phone, "properties": {"round": number}}
    return json.dumps({"type": "profile", "attributes": attributes})


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[RunningSandbox]:
    """One for all tests of this page."""
    with serve(Settings(limits="off", speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def stage(running_sandbox: RunningSandbox, tmp_path: Path) -> Stage:
    """A list that was delivered to once."""
    running_sandbox.reset()
    stage = Stage(running_sandbox, UPath(tmp_path))
    stage.set_up()
    stage.rounds = itertools.count()
    stage.deliver()
    stage.go_on()
    return stage


def test_every_effect_is_here() -> None:
    """A kind of effect that is new to the sandbox is tried here too."""
    assert {effect.kind for effect in (*ANYWHERE.values(), *OF_BULK_JOBS.values())} == set(EFFECTS)


def steps_of(name: str) -> list[str]:
    """Where an effect is tried: at a few steps that differ from effect to effect; with EVERY_STEP set, at all."""
    if name in OF_BULK_JOBS:
        return ["import"]
    every = 1 if os.environ.get("EVERY_STEP") else 6
    return list(STEPS)[list(ANYWHERE).index(name) % every :: every]


@pytest.mark.parametrize("name", [*ANYWHERE, *OF_BULK_JOBS])
def test_nothing_is_said(stage: Stage, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """Wherever it happens, lines, report, error and trace hold nobody, nor does any line that a library logs."""
    caplog.set_level(logging.DEBUG)
    effect = {**ANYWHERE, **OF_BULK_JOBS}[name]
    for step in steps_of(name):
        where, how = STEPS[step]
        fault = stage.sandbox.order_fault(effect, times=50, **where)
        said = stage.deliver(**how)
        assert fault.met_count, f"the delivery took no such step: {step}"
        for marker in MARKERS:
            assert marker not in said.replace(__file__, ""), f"{step}: {said}"
            assert marker not in caplog.text
        stage.go_on()
        stage.deliver()
        stage.go_on()


class Looking(list[str]):
    """Takes lines; at each one it looks at all objects of ours that live at that moment."""

    def append(self, line: str) -> None:
        """Look."""
        for each in gc.get_objects():
            module = str(type(each).__module__)
            if module.startswith("klaviyo_assets.") and ".sandbox" not in module:
                super().append(repr(each))


def test_reprs(stage: Stage) -> None:
    """While people are delivered, no object of ours shows a person or the key to who prints it."""
    shown = Looking()
    stage.lines = shown
    with stage.client(KEY) as client:
        deliver(
            Order(export(), CONNECTION, "run"),
            profiles=profiles(people(next(stage.rounds))),
            rejections=rejections([("zyzzyva@", "email_invalid")]),
            client=client,
            storage=stage.storage,
            log=shown.append,
        )
    assert any("Recorder" in each for each in shown)
    assert not [each for each in shown if any(marker in each for marker in MARKERS)]
