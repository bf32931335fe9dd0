"""Every error that we raise, split by what the reader can do about it.

    KlaviyoAssetsError
    ├─ DeclarationError        a declaration is wrong: change the file
    ├─ SegmentError            customers cannot be read or mapped: change the source or the declaration
    │  ├─ SourceMissing           nothing is there
    │  ├─ SourceUnreadable        something is there, and it is not what was declared
    │  └─ ColumnMissing           a mapped column is not in the segment
    ├─ Refused                 we will not send: a person decides
    │  ├─ UnsafePlan              a limit or a guard of the export
    │  │  └─ ContractExceeded        more people than the contract with Klaviyo allows
    │  ├─ KeyMissing              the environment holds no key, or one that must not go there
    │  ├─ OtherAccount            the key belongs to another account than before
    │  ├─ ExportInactive          detached, or disabled
    │  ├─ AmbiguousList           several lists have the declared name
    │  ├─ ListShared              another export fills the list, and one of the two removes leavers
    │  ├─ ListStartsFlow          whoever joins the list gets a live flow's mails
    │  ├─ LedgerOutdated          Klaviyo shows deliveries of which the ledger does not know
    │  ├─ AccountBusy             another delivery to the account goes on
    │  ├─ DeliveryOpen            whom Klaviyo may still import cannot be forgotten yet
    │  └─ Paused                  a mark in the storage holds all deliveries
    ├─ KlaviyoError            Klaviyo said no, or said nothing
    │  ├─ KeyRejected             401: the key is wrong or revoked
    │  ├─ ScopeMissing            403: the key may not do this
    │  ├─ UnknownList             there is no such list
    │  ├─ NotFound                404 of anything else
    │  ├─ RowsRefused             400 or 409, with the rows that it names, if any
    │  ├─ BodyTooLarge            413
    │  ├─ RateLimited             429 for longer than we may wait
    │  ├─ Unavailable             5xx or no answer, after all attempts; the request may have had its effect
    │  └─ UnexpectedAnswer        an answer that is not Klaviyo's, or not understood
    ├─ DeadlinePassed          the delivery's time is over; the next run goes on from here
    ├─ LeaseLost               another delivery to the account began; the next run goes on from here
    └─ LedgerError             the ledger cannot be read or written

Facts are attributes; the message says what, where, found, expected and remedy in one sentence. No message
holds an e-mail address or a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class KlaviyoAssetsError(Exception):
    """Anything that this package says is wrong."""


class DeclarationError(KlaviyoAssetsError):
    """A declaration is wrong; the message holds one line for each mistake."""


class SegmentError(KlaviyoAssetsError):
    """A segment's customers cannot be read or mapped."""


class SourceMissing(SegmentError):
    """Nothing is found where the source should be."""


class SourceUnreadable(SegmentError):
    """The source is not of the declared kind, is damaged, or is being written at this moment."""


class ColumnMissing(SegmentError):
    """The field map names a column that a segment does not have."""


class Refused(KlaviyoAssetsError):
    """Nothing is sent until a person has decided."""


class UnsafePlan(Refused):
    """The plan breaks a limit of its export.

    Attributes:
        limit: the name of the setting that refused, as it is written in a declaration.
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class ContractExceeded(UnsafePlan):
    """All exports of the account together have more people than the contract with Klaviyo allows.

    Attributes:
        people_count: how many they are, each counted once.
        contract_limit: how many the connection allows.
    """

    def __init__(self, message: str, *, people_count: int, contract_limit: int) -> None:
        super().__init__(message, limit="contract_limit")
        self.people_count = people_count
        self.contract_limit = contract_limit


class KeyMissing(Refused):
    """The environment holds no key, or one that must not be sent to the address it would go to."""


class OtherAccount(Refused):
    """The key belongs to another account than the one that this connection stands for."""


class ExportInactive(Refused):
    """The export is detached from its connection, or not enabled."""


class AmbiguousList(Refused):
    """Several lists of the account have the declared name.

    Attributes:
        list_ids: the ids of all of them.
    """

    def __init__(self, message: str, *, list_ids: Sequence[str]) -> None:
        super().__init__(message)
        self.list_ids = tuple(list_ids)


class ListShared(Refused):
    """Another export fills the same list, and one of the two removes leavers."""


class ListStartsFlow(Refused):
    """A first delivery would start a live flow for everybody.

    Attributes:
        flows: the names of the flows.
    """

    def __init__(self, message: str, *, flows: Sequence[str]) -> None:
        super().__init__(message)
        self.flows = tuple(flows)


class LedgerOutdated(Refused):
    """The ledger is lost, or an older copy: Klaviyo shows that more was delivered than it knows."""


class AccountBusy(Refused):
    """Another delivery to the same account goes on."""


class DeliveryOpen(Refused):
    """A delivery of the person who is to be forgotten is not settled: Klaviyo may still import them."""


class Paused(Refused):
    """A mark in the storage holds all deliveries, or those of the connection."""


class KlaviyoError(KlaviyoAssetsError):
    """Klaviyo refused a request, or did not answer it.

    Attributes:
        request_id: what Klaviyo's support asks for; None where there was no answer.
    """

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class KeyRejected(KlaviyoError):
    """The key is wrong, or was revoked."""


class ScopeMissing(KlaviyoError):
    """The key is good, and lacks a scope."""


class NotFound(KlaviyoError):
    """There is no such thing in the account."""


class UnknownList(NotFound):
    """There is no such list in the account."""


@dataclass(frozen=True)
class RowRefusal:
    """One row of a request that Klaviyo named in its refusal.

    Attributes:
        index: the row's place in the request, from 0.
        code: Klaviyo's code, as `invalid` or `duplicate_profile`.
        field: the attribute that it points at, as `phone_number`; empty where it points at the row.
    """

    index: int
    code: str
    field: str


class RowsRefused(KlaviyoError):
    """Klaviyo refused the request for what stands in it.

    Attributes:
        code: Klaviyo's code of its first error.
        rows: the rows that it named; empty where it named none.
    """

    def __init__(
        self, message: str, *, code: str, rows: Sequence[RowRefusal] = (), request_id: str | None = None
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.code = code
        self.rows = tuple(rows)


class BodyTooLarge(KlaviyoError):
    """The request's body is larger than Klaviyo takes."""


class RateLimited(KlaviyoError):
    """Klaviyo asks us to wait for longer than the delivery's deadline allows.

    Attributes:
        retry_after_s: how long it asked for, in seconds.
    """

    def __init__(self, message: str, *, retry_after_s: float, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.retry_after_s = retry_after_s


class Unavailable(KlaviyoError):
    """Klaviyo failed or could not be reached in every attempt; the last one may have had its effect."""


class UnexpectedAnswer(KlaviyoError):
    """The answer is not one that Klaviyo gives."""


class DeadlinePassed(KlaviyoAssetsError):
    """The delivery used up its time; what is open is settled by the next run."""


class LeaseLost(KlaviyoAssetsError):
    """Another delivery took over the account while this one gave no sign of life."""


class LedgerError(KlaviyoAssetsError):
    """The ledger cannot be read or written."""
