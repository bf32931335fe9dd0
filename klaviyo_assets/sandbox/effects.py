"""What a fault can do to a request, as values.

`transmit.py` does it to answers, `api/bulk_jobs.py` to bulk jobs, and `meanwhile.py` to the account around them.

A new kind is a class here, named in `EFFECTS`; its attributes are what an order in JSON may say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, ClassVar, Literal

from klaviyo_assets.sandbox.inputs import WrongInput, expect_object, parse

BULK_IMPORT = ("POST", "/api/profile-bulk-import-jobs")


@dataclass(frozen=True)
class Effect:
    """What happens to a request that a fault was ordered for: to any, or to those of one method and path alone."""

    kind: ClassVar[str]
    concerns: ClassVar[tuple[str, str] | None] = None


@dataclass(frozen=True)
class AnswerWith(Effect):
    """Answers with a status instead of the result.

    Attributes:
        retry_after: the header's value, whatever it is.
        html: a page as a proxy sends it, in place of a JSON error.
        errors: the entries of the JSON error; by default what Klaviyo says with that status.
        after_work: the request is carried out first; only its result is withheld.
    """

    kind = "answer_with"
    status: int
    retry_after: str | None = None
    html: bool = False
    errors: tuple[Mapping[str, Any], ...] | None = None
    after_work: bool = False

    def __post_init__(self) -> None:
        _expect(200 <= self.status <= 599, "answer_with.status", self.status, "200 to 599")
        sendable = self.retry_after is None or (self.retry_after.isascii() and self.retry_after.isprintable())
        _expect(sendable, "answer_with.retry_after", repr(self.retry_after), "what a header can hold: printable ASCII")


@dataclass(frozen=True)
class DropConnection(Effect):
    """Closes the connection without an answer, before the request is carried out or after."""

    kind = "drop_connection"
    after_work: bool = False


@dataclass(frozen=True)
class DelayAnswer(Effect):
    """Waits so many real seconds before it answers."""

    kind = "delay_answer"
    delay_s: float

    def __post_init__(self) -> None:
        _expect(0 <= self.delay_s < inf, "delay_answer.delay_s", self.delay_s, "0 or more")


@dataclass(frozen=True)
class SlowBody(Effect):
    """Sends the answer's body in pieces, with a pause of so many real seconds before each."""

    kind = "slow_body"
    pause_s: float
    piece_count: int = 4

    def __post_init__(self) -> None:
        _expect(0 <= self.pause_s < inf, "slow_body.pause_s", self.pause_s, "0 or more")
        _expect(self.piece_count >= 1, "slow_body.piece_count", self.piece_count, "1 or more")


@dataclass(frozen=True)
class CutBody(Effect):
    """Promises the whole body, sends a share of it, and closes the connection."""

    kind = "cut_body"
    sent_share: float = 0.5

    def __post_init__(self) -> None:
        _expect(0 <= self.sent_share < 1, "cut_body.sent_share", self.sent_share, "0 to less than 1")


@dataclass(frozen=True)
class AlterAnswer(Effect):
    """Sets values in the answer's document: an unknown status, a field that nobody has heard of.

    Attributes:
        set: JSON pointer to value; `*` in a pointer stands for every item of a list.
    """

    kind = "alter_answer"
    set: Mapping[str, Any]

    def __post_init__(self) -> None:
        for pointer in self.set:
            _expect(pointer.startswith("/") and pointer != "/", "alter_answer.set", repr(pointer), "a JSON pointer")


@dataclass(frozen=True)
class FailRows(Effect):
    """Lets rows of the bulk job that the request makes fail, by their index or their e-mail address.

    Attributes:
        with_pointer: the import error says which row it is about.
        with_payload: the import error repeats the row.
    """

    kind = "fail_rows"
    concerns = BULK_IMPORT
    indexes: tuple[int, ...] = ()
    emails: tuple[str, ...] = field(default=(), repr=False)
    code: str = "invalid"
    title: str = "Invalid input."
    detail: str = "The profile could not be imported."
    with_pointer: bool = True
    with_payload: bool = True


@dataclass(frozen=True)
class DropFields(Effect):
    """Lets rows of the bulk job that the request makes be imported without some field, and the answer's header say so.

    A row that nothing else identifies keeps it.
    """

    kind = "drop_fields"
    concerns = BULK_IMPORT
    indexes: tuple[int, ...] = ()
    emails: tuple[str, ...] = field(default=(), repr=False)
    fields: tuple[Literal["phone_number"], ...] = ("phone_number",)


@dataclass(frozen=True)
class EndBulkJob(Effect):
    """Decides how the bulk job that the request makes comes to its end.

    Attributes:
        ending: `expired` completes, and is gone at once; a stuck one stays as it is for good.
        applied_share: how many of its rows are applied before that.
    """

    kind = "end_bulk_job"
    concerns = BULK_IMPORT
    ending: Literal["cancelled", "stuck_queued", "stuck_processing", "expired"]
    applied_share: float = 1.0

    def __post_init__(self) -> None:
        _expect(0 <= self.applied_share <= 1, "end_bulk_job.applied_share", self.applied_share, "0 to 1")


class Meanwhile(Effect):
    """What somebody else does while a request is on its way: before its work or after, whatever comes of it."""

    after_work: bool


@dataclass(frozen=True)
class TakeOffList(Meanwhile):
    """Somebody takes people off a list. Who is not on it does not matter."""

    kind = "take_off_list"
    list_id: str
    emails: tuple[str, ...] = field(repr=False)
    after_work: bool = False


@dataclass(frozen=True)
class PutOnList(Meanwhile):
    """Somebody puts people on a list; those who are no profiles yet become some."""

    kind = "put_on_list"
    list_id: str
    emails: tuple[str, ...] = field(repr=False)
    after_work: bool = False


@dataclass(frozen=True)
class DeleteList(Meanwhile):
    """Somebody deletes a list."""

    kind = "delete_list"
    list_id: str
    after_work: bool = False


@dataclass(frozen=True)
class RevokeKey(Meanwhile):
    """Somebody takes the key away that the request comes with."""

    kind = "revoke_key"
    after_work: bool = False


@dataclass(frozen=True)
class ChangeScopes(Meanwhile):
    """Somebody changes what the key may do that the request comes with."""

    kind = "change_scopes"
    scopes: tuple[str, ...]
    after_work: bool = False


EFFECTS: dict[str, type[Effect]] = {
    effect.kind: effect
    for effect in (
        *(AnswerWith, DropConnection, DelayAnswer, SlowBody, CutBody, AlterAnswer),
        *(FailRows, DropFields, EndBulkJob),
        *(TakeOffList, PutOnList, DeleteList, RevokeKey, ChangeScopes),
    )
}


def _expect(holds: bool, where: str, found: object, expected: str) -> None:
    """Refuses an order that could not be carried out: it would break an answer in another way than was meant."""
    if not holds:
        raise WrongInput(f"{where}: found {found}, expected {expected}.")


def parse_effect(given: object) -> Effect:
    """One effect, of the class that its `kind` names."""
    values = dict(expect_object(given, where="do"))
    kind = values.pop("kind", None)
    if kind not in EFFECTS:
        raise WrongInput(f"do.kind: found {kind!r}, expected one of {', '.join(EFFECTS)}.")
    return parse(EFFECTS[kind], values, where=kind)
