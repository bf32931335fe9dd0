"""What can be set about a sandbox, and what it does where Klaviyo's behaviour is not known for certain.

Each default is the documented behaviour, or the one that is harder on a client. State does not belong here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from klaviyo_assets.sandbox.inputs import WrongInput, expect_object, parse

Handling = Literal["drop", "refuse", "partial"]
"""What becomes of a phone number that Klaviyo cannot take, where an e-mail address beside it says who is meant.

`drop` goes on without it and without a word. `refuse` is 400, with a pointer to it. `partial` goes on without it and
says so in the header `X-Klaviyo-Partial-Failure`, also where a single profile is written, which is else refused.
https://community.klaviyo.com/developer-group-64/api-validation-improvements-for-phone-number-handling-18034
"""


@dataclass(frozen=True)
class Settings:
    """How a sandbox behaves.

    Attributes:
        limits: `real` refuses requests above Klaviyo's rate limits, `off` lifts them.
        job_duration_s: about how long a small bulk job takes; one of 10 000 rows takes twice as long.
        starts_at: the time of the clock at the start and after a reset, in seconds since 1970; the machine's if None.
        speed: sandbox seconds per real second; 0 stops the clock, so that it moves by `advance` alone.
        throttled_count: requests refused with 429 use up the limits too.
        revision_required: a request without the `revision` header is refused.
        rejoin_keeps_first: joining a list again keeps the first `joined_group_at`.
        count_lag_s: `profile_count` tells how many members there were this long ago.
        duplicate_winner: which row counts where one body names a person twice.
        malformed_phone: what becomes of a phone number that is none.
        unsupported_phone: what becomes of one of a region that the account does not support.
        bulk_null: whether a null in a bulk import says nothing, or clears.
        unknown_member: putting an unknown profile id on a list, or taking it off, is 404, 400, or does nothing.
        two_people: a row of a bulk import with an e-mail address and a phone number of two people is that of the
            address, without the number, or fails in the job as `duplicate_profile`.
        body_limit: how many bytes 5 MB are.
        seed: bulk jobs' durations and all ids are drawn from it.
    """

    limits: Literal["real", "off"] = "real"
    job_duration_s: float = 1.0
    starts_at: float | None = None
    speed: float = 1.0
    throttled_count: bool = False
    revision_required: bool = True
    rejoin_keeps_first: bool = True
    count_lag_s: float = 0.0
    duplicate_winner: Literal["first", "last"] = "last"
    malformed_phone: Handling = "drop"
    unsupported_phone: Handling = "refuse"
    bulk_null: Literal["ignore", "clear"] = "ignore"
    unknown_member: Literal["not_found", "refuse", "ignore"] = "not_found"
    two_people: Literal["email", "fail"] = "email"
    body_limit: Literal[5_000_000, 5_242_880] = 5_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("job_duration_s", "speed", "count_lag_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise WrongInput(f"settings.{name}: found {getattr(self, name)}, expected 0 or more.")

    def changed(self, changes: object) -> Settings:
        """These settings with some replaced; `changes` is decoded JSON.

        Raises:
            WrongInput: an unknown setting, or a value that it cannot have.
        """
        return parse(Settings, {**self.as_json(), **expect_object(changes, where="settings")}, where="settings")

    def as_json(self) -> dict[str, Any]:
        """By name."""
        return asdict(self)
