"""The command `forget`: erases one person, and tells what was erased and what is left to do, without the address.

What is erased, and in which order, is decided by the functions below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from upath import UPath

from klaviyo_assets.cli.places import STORAGE_HELP, exports_here, find_root, own_project
from klaviyo_assets.errors import KlaviyoAssetsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klaviyo_assets.exports import KlaviyoConnection
    from klaviyo_assets.orchestration.forgetting import Forgetting


@click.command()
@click.argument("address")
@click.option("--storage", help=STORAGE_HELP)
@click.option(
    "--in-klaviyo", multiple=True, metavar="CONNECTION", help="Have Klaviyo delete the profile too, by this connection."
)
@click.option("--only-this-address", is_flag=True, help="Leave other addresses that have the person's external id.")
@click.option("--undo", is_flag=True, help="Let the address be sent again; what was erased stays erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(
    address: str, storage: str | None, in_klaviyo: Sequence[str], *, only_this_address: bool, undo: bool, yes: bool
) -> None:
    """Erase the person with this ADDRESS from ledgers, history and stored frames, and never send them again.

    What is kept of the address is a digest, which does not tell who it is. What the segments' sources hold is not ours
    to erase: a row of the person there is rejected from now on, as `forgotten`. Call it where the project is, whose
    declarations tell in which column of a segment the address is; elsewhere a row is erased where any column holds it.
    """
    from klaviyo_assets.mapping import person_email

    email = person_email(address)
    if "@" not in email:
        raise click.UsageError("Found no @ in the address, expected one as ada@example.com.")
    try:
        root = find_root(storage)
        if undo:
            _pardon(email, root)
        else:
            connections = [_usable(name, root) for name in in_klaviyo]
            emails = _addresses(email, root, only_this_address=only_this_address)
            if not yes:
                others = f", with {_others(emails)}," if len(emails) > 1 else ""
                click.confirm(f"Erase this person{others} from {root} for good, and never send them again?", abort=True)
            _forget(emails, root, connections)
    except (KlaviyoAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _addresses(email: str, root: UPath, *, only_this_address: bool) -> list[str]:
    from klaviyo_assets.orchestration.forgetting import find_other_addresses

    return [email] if only_this_address else [email, *find_other_addresses(email, storage=root)]


def _others(emails: Sequence[str]) -> str:
    count = len(emails) - 1
    return f"{count} other address{'es' if count > 1 else ''} (of the same external id, or forgotten before)"


def _forget(emails: Sequence[str], root: UPath, connections: Sequence[KlaviyoConnection]) -> None:
    from klaviyo_assets.orchestration.forgetting import forget as forget_person
    from klaviyo_assets.orchestration.forgetting import request_deletion

    done = forget_person(emails, storage=root, exports=exports_here())
    _tell_erased(done, emails)
    asked = set()
    for connection in connections:
        account_id, was_known = request_deletion(emails[0], connection, storage=root)
        asked.add(account_id)
        told = "deletes the profile some time from now" if was_known else "has no profile of this address"
        click.echo(f"Klaviyo was asked to delete the profile from account {account_id}: it {told}.")
    _tell_klaviyo(done, asked)


def _tell_erased(done: Forgetting, emails: Sequence[str]) -> None:
    for each in done.erased:
        click.echo(f"{each.place}: rows erased: {each.row_count}")
    if not done.erased:
        click.echo("Nothing of this person was stored.")
    if len(emails) > 1:
        click.echo(f"Forgotten too: {_others(emails)}.")
    for each in done.mentions:
        click.echo(
            f"{each.place}: rows of others that mention the address, and were left: {each.row_count}; take it out of "
            f"their source, and run the export again."
        )
    for place in done.unfinished:
        click.echo(f"{place}: is being written, or was left by a killed process; run this again in an hour.")
    click.echo(
        "No export sends this person any more: a row in a segment is rejected as `forgotten`. The segments' sources "
        "were not touched: take the person out of them, or the stored segment holds the row again once it is read anew."
    )


def _tell_klaviyo(done: Forgetting, asked: set[str]) -> None:
    for account_id, list_id in done.lists:
        if account_id not in asked:
            click.echo(
                f"Klaviyo was not asked: the profile may be on list {list_id} of account {account_id} still, and no "
                f"export takes it off any more. Delete it there, or run this again with --in-klaviyo and a connection "
                f"of that account."
            )


def _pardon(email: str, root: UPath) -> None:
    from klaviyo_assets.ledger import Forgotten

    if not Forgotten(root).pardon(email):
        raise click.UsageError("This address was not forgotten here; there is nothing to undo.")
    click.echo("The address may be sent again, once the profiles are materialized anew.")


def _usable(name: str, root: UPath) -> KlaviyoConnection:
    """The declared connection, of which nothing may speak against a request before anything is erased."""
    from klaviyo_assets.ledger import Pause
    from klaviyo_assets.orchestration.folder_check import connections_in

    declared = {each.name: each for each in connections_in(own_project())}
    if name not in declared:
        names = ", ".join(sorted(declared)) or "none"
        raise click.UsageError(f"Found no connection {name!r}, expected one that is declared: {names}.")
    Pause(root).check(name)
    return declared[name]
