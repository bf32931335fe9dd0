"""Who is on a list, and putting them on and taking them off by profile id.

https://developers.klaviyo.com/en/reference/get_profiles_for_list
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import ge, gt, le, lt

from klaviyo_assets.sandbox.account.lists import KlaviyoList
from klaviyo_assets.sandbox.api import documents, errors, paging, profiles, requests
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.filters import Condition, Rules
from klaviyo_assets.sandbox.api.paging import Key, Order, Page

MOST_IDS = 1000
COMPARISONS = {"greater-or-equal": ge, "greater-than": gt, "less-or-equal": le, "less-than": lt}
FILTERS: Rules = {
    "email": ("any", "equals"),
    "phone_number": ("any", "equals"),
    "joined_group_at": tuple(COMPARISONS),
}


def read_profiles(call: Call) -> Answer:
    """The members of a list, and since when."""
    klaviyo_list = requests.list_of(call)
    page = _page(call, klaviyo_list)
    joined_at = klaviyo_list.members.joined_at
    data = [profiles.render(call, one, joined_at=joined_at(one)) for one in page.items]
    return Answer(200, documents.paged(call, data, page))


def read_ids(call: Call) -> Answer:
    """Their ids alone."""
    page = _page(call, requests.list_of(call))
    return Answer(200, documents.paged(call, documents.identifiers("profile", page.items), page))


def add(call: Call) -> Answer:
    """Who is on the list already stays on it as they are; nobody's consent changes."""
    klaviyo_list = requests.list_of(call)
    call.account.join(klaviyo_list, _named(call), at=call.now)
    return Answer(204)


def remove(call: Call) -> Answer:
    """Who is not on the list does not matter; the profiles and their consent stay."""
    klaviyo_list = requests.list_of(call)
    klaviyo_list.members.remove(_named(call), at=call.now)
    return Answer(204)


def _named(call: Call) -> list[str]:
    """The profile ids in the body. What becomes of unknown ones is not documented."""
    data = call.document.get("data") if isinstance(call.document, dict) else None
    profile_ids = requests.ids_of(data, "profile", most=MOST_IDS)
    if call.settings.unknown_member == "ignore":
        return [each for each in profile_ids if each in call.account.profiles]
    for index, each in enumerate(profile_ids):
        if call.settings.unknown_member == "refuse" and each not in call.account.profiles:
            raise errors.invalid(f"A profile with id {each} does not exist.", f"/data/{index}/id")
        requests.known_profile(call, each)
    return profile_ids


def _page(call: Call, klaviyo_list: KlaviyoList) -> Page[str]:
    members = klaviyo_list.members
    field, descending = call.query.sort(("joined_group_at",), default="id")

    def key(profile_id: str) -> Key:
        return (profile_id if field == "id" else members.joined_at(profile_id), profile_id)

    found = _found(call, klaviyo_list, call.query.conditions("profile", FILTERS), field)
    size = call.query.page_size(default=profiles.PAGE_SIZE, most=profiles.MOST_PER_PAGE)
    return paging.cut(found, order=Order(field, key, descending), cursor=call.query.cursor(), size=size)


def _found(call: Call, klaviyo_list: KlaviyoList, conditions: Sequence[Condition], field: str) -> Sequence[str]:
    """Ids of the members that meet the conditions, ascending by id or by when they joined."""
    members = klaviyo_list.members
    by_time = [condition for condition in conditions if condition.field == "joined_group_at"]
    by_name = [condition for condition in conditions if condition.field != "joined_group_at"]
    bounds = tuple((condition.operator, condition.times()[0]) for condition in by_time)

    def in_time(at: float) -> bool:
        return all(COMPARISONS[operator](at, bound) for operator, bound in bounds)

    if by_name:
        named = _named_by(call, by_name)
        found = [i for i in named if i in members and in_time(members.joined_at(i))]
    elif bounds:
        found = members.joined_within(bounds, in_time)
    else:
        return members.by_id() if field == "id" else members.by_joined_at()
    return found if field == "id" else sorted(found, key=members.joined_at)


def _named_by(call: Call, conditions: Sequence[Condition]) -> list[str]:
    """Ids, ascending, of the profiles that every condition names by e-mail address or phone number."""
    named = [set(profiles.named_by(call, condition)) for condition in conditions]
    return sorted(set.intersection(*named))
