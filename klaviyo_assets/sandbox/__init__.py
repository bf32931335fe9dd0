"""A local Klaviyo: the same addresses, limits, answers and delays, failures on order, and a page that shows it all.

    account/        what an account holds: lists, profiles, members, bulk jobs, at a given time
    api/            Klaviyo's REST API in front of it: the table of endpoints, and the rules that they share
    state.py        everything that one sandbox holds, behind one lock
    control.py      its own routes, /_sandbox/: set it up, move its clock, order faults, ask for the truth
    faults.py       failures on order; `effects.py` says which there are, `transmit.py` carries them out on answers,
                    `meanwhile.py` on the account around a request
    clock.py, limits.py, settings.py, request_log.py
    pages.py        what it shows in a browser
    serving.py      runs it in a thread; `command.py` from a shell

It is the other side of every test, so that it shares no code with the client: they cannot share a mistake. It takes
what Klaviyo takes and refuses what Klaviyo refuses; where that is not known, it does the documented or the harder
thing, and `settings.py` says which.
"""

from klaviyo_assets.sandbox.account.lists import Flow
from klaviyo_assets.sandbox.app import create_app
from klaviyo_assets.sandbox.effects import (
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
    SlowBody,
    TakeOffList,
)
from klaviyo_assets.sandbox.faults import Fault
from klaviyo_assets.sandbox.inputs import WrongInput
from klaviyo_assets.sandbox.request_log import LoggedRequest
from klaviyo_assets.sandbox.serving import RunningSandbox, serve
from klaviyo_assets.sandbox.settings import Settings

__all__ = [
    "AlterAnswer",
    "AnswerWith",
    "ChangeScopes",
    "CutBody",
    "DelayAnswer",
    "DeleteList",
    "DropConnection",
    "DropFields",
    "Effect",
    "EndBulkJob",
    "FailRows",
    "Fault",
    "Flow",
    "LoggedRequest",
    "PutOnList",
    "RevokeKey",
    "RunningSandbox",
    "Settings",
    "SlowBody",
    "TakeOffList",
    "WrongInput",
    "create_app",
    "serve",
]
