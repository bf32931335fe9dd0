"""A request that succeeds for each thing that can be asked of the API, and the account that they are asked of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from klaviyo_assets.sandbox import FailRows, Flow, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import DELETIONS, IMPORT, JOBS, LISTS, PROFILES, Json

Ids = Mapping[str, str]
MORE = {"additional-fields[profile]": "subscriptions,predictive_analytics"}
COUNTED = {"additional-fields[list]": "profile_count", "include": "flow-triggers"}


@dataclass(frozen=True)
class Asked:
    """A request. The parts of its path and parameters in braces are names of `ids`.

    Attributes:
        headers: in place of those that the client sends by itself, or besides them.
        without: headers that it goes without.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Ids], Json] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def send(self, klaviyo: httpx.Client, ids: Ids) -> httpx.Response:
        """Sends it; the client judges the answer."""
        body = None if self.body is None else self.body(ids)
        params = {name: value.format_map(ids) for name, value in self.params.items()}
        path = self.path.format_map(ids)
        request = klaviyo.build_request(self.method, path, params=params, json=body, headers=dict(self.headers))
        for name in self.without:
            del request.headers[name]
        return klaviyo.send(request)


ASKED = (
    Asked("GET", "/api/accounts"),
    Asked("GET", "/api/accounts/{account}"),
    Asked("GET", LISTS),
    Asked("GET", LISTS, {"include": "flow-triggers,tags", "page[size]": "1"}),
    Asked("POST", LISTS, body=lambda ids: bodies.a_list()),
    Asked("GET", f"{LISTS}/{{list}}", COUNTED),
    Asked("PATCH", f"{LISTS}/{{list}}", body=lambda ids: bodies.renamed(ids["list"], "Other")),
    Asked("GET", f"{LISTS}/{{list}}/profiles", MORE),
    Asked("GET", f"{LISTS}/{{list}}/profiles", {"fields[profile]": "joined_group_at", "sort": "-joined_group_at"}),
    Asked("GET", f"{LISTS}/{{list}}/relationships/profiles", {"page[size]": "5"}),
    Asked("POST", f"{LISTS}/{{list}}/relationships/profiles", body=lambda ids: bodies.ids([ids["profile"]])),
    Asked("DELETE", f"{LISTS}/{{list}}/relationships/profiles", body=lambda ids: bodies.ids([ids["profile"]])),
    Asked("DELETE", f"{LISTS}/{{list}}"),
    Asked("GET", PROFILES, {"page[size]": "5"}),
    Asked("POST", PROFILES, body=lambda ids: bodies.a_profile(email="new@example.com")),
    Asked("GET", f"{PROFILES}/{{profile}}", MORE),
    Asked("PATCH", f"{PROFILES}/{{profile}}", body=lambda ids: bodies.a_profile(ids["profile"], title="Dr")),
    Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email="full@example.com")),
    Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email="newer@example.com")),
    Asked("POST", JOBS, body=lambda ids: bodies.bulk(bodies.people(2), ids["list"])),
    Asked("GET", JOBS, {"sort": "-created_at"}),
    Asked("GET", f"{JOBS}/{{job}}", {"include": "lists"}),
    Asked("GET", f"{JOBS}/{{job}}", {"fields[profile-bulk-import-job]": "completed_count"}),
    Asked("GET", f"{JOBS}/{{job}}/import-errors"),
    Asked("GET", f"{JOBS}/{{job}}/import-errors", {"fields[import-error]": "code"}),
    Asked("GET", f"{JOBS}/{{job}}/profiles"),
    Asked("GET", f"{JOBS}/{{job}}/relationships/profiles"),
    Asked("GET", f"{JOBS}/{{job}}/lists"),
    Asked("GET", f"{JOBS}/{{job}}/relationships/lists"),
    Asked("POST", DELETIONS, body=lambda ids: bodies.a_deletion(email="full@example.com")),
)


def a_little_of_everything(sandbox: RunningSandbox, klaviyo: httpx.Client) -> Ids:
    """What the requests need: a list that starts a flow, 25 members, and a job with a row that failed."""
    list_id = sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"),))
    sandbox.order_fault(FailRows(indexes=(3,)), method="POST", path=JOBS)
    row = {"email": "full@example.com", "location": {"city": "Riga"}, "properties": {"tier": "gold"}}
    job_id = bodies.complete(sandbox, klaviyo, [*bodies.people(24), *bodies.rows(row)], list_id)
    profile_id = bodies.ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(email,"full@example.com")'}))[0]
    return {"list": list_id, "job": job_id, "profile": profile_id, "account": sandbox.account_id}
