"""What a dry run tells besides the plan: how many profiles would be new to the account, and which flows would start.

New profiles count for the contract with Klaviyo; where they are many, they are estimated from a sample.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import polars as pl

from klaviyo_assets.delivery.contract import check_contract
from klaviyo_assets.delivery.destination import Destination, check_not_shared, find_list, verify_account
from klaviyo_assets.delivery.evidence import check_beginning
from klaviyo_assets.delivery.ledgers import names_beside, open_ledger
from klaviyo_assets.delivery.order import Work
from klaviyo_assets.delivery.outcome import NewProfiles, Outcome
from klaviyo_assets.delivery.planning import is_trusted, make_plan
from klaviyo_assets.errors import ScopeMissing
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import has_delivered

LARGEST_COUNTED: Final = 2_000  # people who are all looked up, in twenty requests; of more, so many are drawn
_CONFIDENCE: Final = 1.96  # standard deviations: 95 %


def preview(work: Work) -> Outcome:
    """Plan and guard, and change nothing anywhere.

    Raises:
        Refused: a delivery would be refused.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    work = work.without_forgotten()
    order, client, remembered = work.order, work.client, work.remembered
    with work.step("verify"):
        account = verify_account(order.connection, client=client, remembered=remembered, remember=False)
        found = find_list(order.export, account, client=client, remembered=remembered, before_creating=None)
        destination = Destination(account, found)
        check_not_shared(order.export, destination, order.others, remembered=remembered)
    ledger = open_ledger(work.storage, order.export, destination, take_over=False)
    is_first = not has_delivered(ledger.read_receipts())
    if found and is_first and not is_trusted(work, destination):
        people, beside = work.profiles.select("email"), names_beside(work.storage, destination)
        check_beginning(order.export, people, beside=beside, client=client, list_id=found.id)
    people_count = check_contract(work, account)
    plan = make_plan(work, ledger, destination)
    outcome = Outcome(destination, plan, work.rejections, dry_run=True, people_count=people_count)
    with work.step("look up"):
        additions = outcome.plan.additions.select("email").collect()["email"]
        outcome.new_profiles = count_new_profiles(additions, client=client)
        outcome.flows = fetch_flows(client, found.id) if found else ()
    return outcome


def count_new_profiles(additions: pl.Series, *, client: Client) -> NewProfiles:
    """Look up who is a profile already.

    Args:
        additions: the addresses that would be added.
        client: the account.
    """
    total = additions.len()
    sample = additions if total <= LARGEST_COUNTED else additions.sample(LARGEST_COUNTED, seed=0)
    if sample.is_empty():
        return NewProfiles(0, 0)
    # By address, which may stand once in each: two profiles never have the same.
    known = client.find_profiles(sample, by="email")["email"].n_unique()
    share = 1 - known / sample.len()
    return NewProfiles(round(share * total), _margin(share, sample.len(), total))


def fetch_flows(client: Client, list_id: str) -> tuple[str, ...] | None:
    """The live flows that joining the list starts; None where the key may not tell."""
    try:
        return tuple(client.fetch_live_flows(list_id))
    except ScopeMissing:
        return None


def _margin(share: float, sample: int, total: int) -> int:
    if sample == total:
        return 0
    # Drawn without putting back. A sample of one kind alone says less than that there is no other: rule of three.
    spread = share * (1 - share) if 0 < share < 1 else 3 / sample * (1 - 3 / sample)
    return round(_CONFIDENCE * sqrt(spread / sample * (total - sample) / (total - 1)) * total)
