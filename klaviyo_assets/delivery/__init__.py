"""Carries a plan out, batch by batch, writing the ledger as answers come.

    order        what is asked, and what it works with
    destination  whose account, which list          turn       one delivery to an account at a time
    ledgers      where they lie                     evidence   whether they can be trusted
    opening      what is known before the plan      settling   what an earlier run left open
    planning     the plan, and what may refuse it   preview    the same for a dry run
    contract     what all exports may do together   verifying  whether a connection can be used
    imports      who joins, who gets other fields   following  bulk jobs, to their end
    clears       whose fields are emptied           removals   who leaves
    in_flight    requests at once                   recording  receipts, in groups
    progress     how far it is                      heartbeat  what goes on beside it
    outcome      the sums                           world      what a test can decide

`deliver` is these steps in order. It is the only place where a plan and Klaviyo meet.
"""

from klaviyo_assets.delivery.deliver import deliver
from klaviyo_assets.delivery.ledgers import KeptLedger, find_ledgers
from klaviyo_assets.delivery.order import Order

__all__ = ["KeptLedger", "Order", "deliver", "find_ledgers"]
