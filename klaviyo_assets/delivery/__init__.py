"""Carries a plan out, batch by batch, writing the ledger as answers come.

    destination  whose account, which list          settling   what an earlier run left open
    imports      who joins, who gets other fields   following  bulk jobs, to their end
    removals     who leaves                         recording  receipts, in groups

`deliver` is these steps in order. It is the only place where a plan and Klaviyo meet.
"""

from klaviyo_assets.delivery.deliver import Order, deliver

__all__ = ["Order", "deliver"]
