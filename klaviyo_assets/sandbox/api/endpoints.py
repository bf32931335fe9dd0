"""The table of what the sandbox answers: method, path, tier, scopes, parameters. What each does is told elsewhere.

An endpoint that Klaviyo has and this table has not is answered with 404. https://developers.klaviyo.com/en/reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from klaviyo_assets.sandbox.api import accounts, bulk_jobs, data_privacy, import_errors, lists, members, profiles
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.query import Parameters, Query
from klaviyo_assets.sandbox.limits import XS, L, M, S, Tier

PAGED: Parameters = {"page[cursor]": (), "page[size]": ()}
FOUND: Parameters = {"filter": (), "sort": ()}
PROFILE: Parameters = {"fields[profile]": profiles.FIELDS, "additional-fields[profile]": profiles.ADDITIONAL}
MEMBER: Parameters = {**PROFILE, "fields[profile]": (*profiles.FIELDS, "joined_group_at")}
LIST: Parameters = {"fields[list]": lists.FIELDS}
LIST_AND_MORE: Parameters = {
    **LIST,
    "fields[flow]": lists.FLOW_FIELDS,
    "fields[tag]": ("id", "name"),
    "include": lists.INCLUDES,
}
COUNTED_LIST: Parameters = {
    **LIST_AND_MORE,
    "fields[list]": (*lists.FIELDS, "profile_count"),
    "additional-fields[list]": ("profile_count",),
}
ACCOUNT: Parameters = {"fields[account]": accounts.FIELDS}
BULK_JOB: Parameters = {f"fields[{bulk_jobs.KIND}]": bulk_jobs.FIELDS}
IMPORT_ERROR: Parameters = {"fields[import-error]": import_errors.FIELDS}
NEW_LIST = Tier(M.burst, M.steady, daily=150)


@dataclass(frozen=True)
class Lowered:
    """Asking for an expensive field costs a lower quota, which all endpoints that have the field share."""

    parameter: str
    value: str
    tier: Tier


PROFILE_COUNT = Lowered("additional-fields[list]", "profile_count", XS)
PREDICTIVE = Lowered("additional-fields[profile]", "predictive_analytics", M)


@dataclass(frozen=True)
class Endpoint:
    """One thing that can be asked of the API.

    Attributes:
        path: without its last slash, the parts that vary in braces.
        added: parameters that it has only from some revision on.
    """

    method: str
    path: str
    work: Callable[[Call], Answer]
    tier: Tier
    scopes: tuple[str, ...]
    resource: str
    parameters: Parameters = field(default_factory=dict)
    lowered: Lowered | None = None
    added: Mapping[str, str] = field(default_factory=dict)
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)))

    def parameters_in(self, revision: str) -> Parameters:
        """The parameters that it takes in a revision."""
        return {name: names for name, names in self.parameters.items() if revision >= self.added.get(name, "")}

    def quota(self, query: Query) -> tuple[str, Tier]:
        """The name and the tier of what a request is taken out of."""
        if self.lowered is not None and self.lowered.value in query.names(self.lowered.parameter):
            return self.lowered.value, self.lowered.tier
        return f"{self.method} {self.path}", self.tier


READ_MEMBERS = ("lists:read", "profiles:read")
WRITE_MEMBERS = ("lists:write", "profiles:write")
JOBS = "/api/profile-bulk-import-jobs"

ENDPOINTS = (
    Endpoint("GET", "/api/accounts", accounts.read_all, XS, ("accounts:read",), "account", ACCOUNT),
    Endpoint("GET", "/api/accounts/{id}", accounts.read_one, XS, ("accounts:read",), "account", ACCOUNT),
    Endpoint(
        *("GET", "/api/lists", lists.read_all, L, ("lists:read",), "list"),
        parameters={**LIST_AND_MORE, **PAGED, **FOUND},
        added={"page[size]": "2026-04-15"},
    ),
    Endpoint("POST", "/api/lists", lists.create, NEW_LIST, ("lists:write",), "list", LIST),
    Endpoint(
        *("GET", "/api/lists/{id}", lists.read_one, L, ("lists:read",), "list"),
        parameters=COUNTED_LIST,
        lowered=PROFILE_COUNT,
    ),
    Endpoint("PATCH", "/api/lists/{id}", lists.update, M, ("lists:write",), "list", LIST),
    Endpoint("DELETE", "/api/lists/{id}", lists.delete, M, ("lists:write",), "list"),
    Endpoint(
        *("GET", "/api/lists/{id}/profiles", members.read_profiles, L, READ_MEMBERS, "profile"),
        parameters={**MEMBER, **PAGED, **FOUND},
        lowered=PREDICTIVE,
    ),
    Endpoint(
        *("GET", "/api/lists/{id}/relationships/profiles", members.read_ids, L, READ_MEMBERS, "profile"),
        parameters={**PAGED, **FOUND},
    ),
    Endpoint("POST", "/api/lists/{id}/relationships/profiles", members.add, M, WRITE_MEMBERS, "profile"),
    Endpoint("DELETE", "/api/lists/{id}/relationships/profiles", members.remove, M, WRITE_MEMBERS, "profile"),
    Endpoint(
        *("GET", "/api/profiles", profiles.read_all, L, ("profiles:read",), "profile"),
        parameters={**PROFILE, **PAGED, **FOUND},
        lowered=PREDICTIVE,
    ),
    Endpoint("POST", "/api/profiles", profiles.create, L, ("profiles:write",), "profile", PROFILE),
    Endpoint("GET", "/api/profiles/{id}", profiles.read_one, L, ("profiles:read",), "profile", PROFILE),
    Endpoint("PATCH", "/api/profiles/{id}", profiles.update, L, ("profiles:write",), "profile", PROFILE),
    Endpoint("POST", "/api/profile-import", profiles.create_or_update, L, ("profiles:write",), "profile", PROFILE),
    Endpoint(
        *("POST", "/api/data-privacy-deletion-jobs", data_privacy.delete_profile, S, ("data-privacy:write",)),
        resource=data_privacy.KIND,
    ),
    Endpoint("POST", JOBS, bulk_jobs.submit, M, WRITE_MEMBERS, bulk_jobs.KIND, BULK_JOB),
    Endpoint(
        *("GET", JOBS, bulk_jobs.read_all, M, READ_MEMBERS, bulk_jobs.KIND),
        parameters={**BULK_JOB, **PAGED, **FOUND},
    ),
    Endpoint(
        *("GET", f"{JOBS}/{{id}}", bulk_jobs.read_one, M, READ_MEMBERS, bulk_jobs.KIND),
        parameters={**BULK_JOB, **LIST, "include": ("lists",)},
    ),
    Endpoint(
        *("GET", f"{JOBS}/{{id}}/import-errors", import_errors.read_all, M, ("profiles:read",), "import-error"),
        parameters={**IMPORT_ERROR, **PAGED},
    ),
    Endpoint(
        *("GET", f"{JOBS}/{{id}}/profiles", bulk_jobs.read_profiles, M, ("profiles:read",), "profile"),
        parameters={**PROFILE, **PAGED},
    ),
    Endpoint(
        *("GET", f"{JOBS}/{{id}}/relationships/profiles", bulk_jobs.read_profile_ids, M, ("profiles:read",)),
        resource="profile",
        parameters=PAGED,
    ),
    Endpoint(
        *("GET", f"{JOBS}/{{id}}/lists", bulk_jobs.read_lists, M, ("lists:read",), "list"),
        parameters=LIST,
    ),
    Endpoint("GET", f"{JOBS}/{{id}}/relationships/lists", bulk_jobs.read_list_ids, M, ("lists:read",), "list"),
)


def on_path(route: str) -> dict[str, tuple[Endpoint, Mapping[str, str]]]:
    """By method, the endpoints of a path without its last slash, each with the varying parts."""
    found = ((endpoint, endpoint.pattern.fullmatch(route)) for endpoint in ENDPOINTS)
    return {endpoint.method: (endpoint, match.groupdict()) for endpoint, match in found if match is not None}
