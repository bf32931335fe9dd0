"""What somebody else does in an account while a request is on its way, because a fault was ordered to do it.

A list that is gone by then, or a key that nobody has, is nothing to change.
"""

from __future__ import annotations

from collections.abc import Iterable

from klaviyo_assets.sandbox.effects import (
    ChangeScopes,
    DeleteList,
    Effect,
    Meanwhile,
    PutOnList,
    RevokeKey,
    TakeOffList,
)
from klaviyo_assets.sandbox.state import Sandbox


def carry_out(sandbox: Sandbox, effects: Iterable[Effect], key: str, *, after_work: bool) -> None:
    """Does what was ordered for before or for after the work of a request that came with a key."""
    for effect in effects:
        if isinstance(effect, Meanwhile) and effect.after_work is after_work:
            with sandbox.lock:
                _do(sandbox, effect, key)


def _do(sandbox: Sandbox, effect: Meanwhile, key: str) -> None:
    match effect:
        case RevokeKey() if key in sandbox.keys:
            sandbox.revoke_key(key)
        case ChangeScopes() if key in sandbox.keys:
            sandbox.change_scopes(key, effect.scopes)
        case TakeOffList() | PutOnList() | DeleteList() if (
            account := sandbox.account_with(effect.list_id)
        ) is not None:
            _do_to_list(sandbox, effect, account.id)


def _do_to_list(sandbox: Sandbox, effect: TakeOffList | PutOnList | DeleteList, account_id: str) -> None:
    match effect:
        case TakeOffList():
            sandbox.take_off_list(account_id, effect.list_id, effect.emails)
        case PutOnList():
            sandbox.put_on_list(account_id, effect.list_id, effect.emails)
        case DeleteList():
            sandbox.delete_list(account_id, effect.list_id)
