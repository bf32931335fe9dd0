"""One Klaviyo account: its lists, profiles, members and bulk jobs, at a given time. No HTTP and no clock here.

Times are seconds since 1970 and are passed in. What a request may ask, and what it is answered, belongs to `api/`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence

from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob, Course, Ending, RowFailure, without_duplicates
from klaviyo_assets.sandbox.account.ids import Ids
from klaviyo_assets.sandbox.account.lists import Flow, KlaviyoList
from klaviyo_assets.sandbox.account.payload import Row
from klaviyo_assets.sandbox.account.profiles import Profiles
from klaviyo_assets.sandbox.settings import Settings


class Account:
    """What one company has in Klaviyo."""

    def __init__(self, account_id: str, name: str, settings: Settings) -> None:
        self.id = account_id
        self.name = name
        self.settings = settings
        self.ids = Ids(f"{settings.seed}:{account_id}")
        self.lists: dict[str, KlaviyoList] = {}
        self.profiles = Profiles(self.ids.ulid)
        self._bulk_jobs: dict[str, BulkJob] = {}
        self._unapplied: list[BulkJob] = []
        self._next_expiry_at = math.inf
        self._draw = random.Random(f"{settings.seed}:{account_id}:durations")  # noqa: S311 - no secret

    def settle(self, now: float) -> None:
        """Does what bulk jobs should have done by now, in the order of their times; forgets those that expired.

        Called before anything else is looked at or changed.
        """
        due = [job for job in self._unapplied if job.course.applies_at <= now]
        if due:
            self._unapplied = [job for job in self._unapplied if job.course.applies_at > now]
            for job in sorted(due, key=lambda job: job.course.applies_at):
                self._apply(job)
        if now >= self._next_expiry_at:
            self._forget_expired(now)

    def create_list(
        self,
        name: str,
        *,
        at: float,
        list_id: str | None = None,
        opt_in_process: str = "single_opt_in",
        flows: tuple[Flow, ...] = (),
    ) -> KlaviyoList:
        """Names may repeat; ids may not, and the caller has checked that."""
        list_id = list_id or self.ids.short()
        created = KlaviyoList(list_id, name, at, at, opt_in_process=opt_in_process, flows=flows)
        self.lists[list_id] = created
        return created

    def join(self, klaviyo_list: KlaviyoList, profile_ids: Iterable[str], *, at: float) -> None:
        """Puts profiles on a list."""
        klaviyo_list.members.add(profile_ids, at=at, keep_first=self.settings.rejoin_keeps_first)

    def delete_profile(self, profile_id: str, *, at: float) -> None:
        """Takes a person away: off every list, and out of what bulk jobs tell."""
        for each in self.lists.values():
            if profile_id in each.members:
                each.members.remove([profile_id], at=at)
        for job in self.bulk_jobs():
            job.profile_ids = [one for one in job.profile_ids if one != profile_id]
        self.profiles.delete(profile_id)

    def submit(
        self,
        rows: Sequence[Row],
        *,
        list_ids: tuple[str, ...],
        total_count: int,
        at: float,
        failures: tuple[RowFailure, ...] = (),
        on_two_people: Callable[[Row], RowFailure] | None = None,
        ending: Ending = "complete",
        applied_share: float = 1.0,
    ) -> BulkJob:
        """A new bulk job of rows that are checked already.

        `total_count` counts the rows as they were sent, failures and duplicates among them; `applied_share` says how
        many of them are applied before the job comes to its end.
        """
        kept = without_duplicates(rows, self.settings.duplicate_winner)
        course = Course.drawn(
            self._draw, created_at=at, row_count=total_count, base_s=self.settings.job_duration_s, ending=ending
        )
        job = BulkJob(
            id=self.ids.bulk_job(self.id, at),
            list_ids=list_ids,
            total_count=total_count,
            course=course,
            rows=kept[: round(len(kept) * applied_share)],
            failures=failures,
            on_two_people=on_two_people,
        )
        self._bulk_jobs[job.id] = job
        self._unapplied.append(job)
        self._next_expiry_at = min(self._next_expiry_at, course.expires_at)
        return job

    def bulk_job(self, job_id: str) -> BulkJob | None:
        """The job of an id, if there is one that has not expired."""
        return self._bulk_jobs.get(job_id)

    def bulk_jobs(self) -> list[BulkJob]:
        """All that have not expired, oldest first."""
        return list(self._bulk_jobs.values())

    def _apply(self, job: BulkJob) -> None:
        at = job.course.applies_at
        profile_ids: list[str] = []
        refused: list[RowFailure] = []
        for row in job.rows:
            if job.on_two_people is not None and self.profiles.is_two_people(row):
                refused.append(job.on_two_people(row))
            else:
                profile_ids.append(self._import(row, at=at))
        for list_id in job.list_ids:
            # The list may have been deleted since.
            if list_id in self.lists:
                self.join(self.lists[list_id], profile_ids, at=at)
        job.profile_ids = sorted(set(profile_ids))
        job.failures += tuple(refused)
        job.rows, job.on_two_people = [], None

    def _forget_expired(self, now: float) -> None:
        self._bulk_jobs = {job.id: job for job in self.bulk_jobs() if not job.is_expired(now)}
        expiries = (job.course.expires_at for job in self.bulk_jobs())
        self._next_expiry_at = min(expiries, default=math.inf)

    def _import(self, row: Row, *, at: float) -> str:
        profile_id = self.profiles.match(row)
        if profile_id is None:
            return self.profiles.create(row, at=at)
        self.profiles.update(profile_id, row, at=at)
        return profile_id
