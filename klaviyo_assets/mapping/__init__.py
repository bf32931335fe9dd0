"""Who can become a profile: from a segment's rows to one payload a person, and one rejection for each other row.

    profiles     the steps in their order; begin here
    columns      which column feeds which field, and every complaint about columns and types
    rows         a segment's rows in the form that all segments share
    normalise    the one form of addresses and numbers
    rules        one named rule a function
    identities   which of several rows with one address is sent, which identifiers stand for nobody
    payload      the fragment of JSON for one person
    json_text    the JSON of a value of any type

Nothing here knows the network, a disk or Dagster.
"""

from klaviyo_assets.mapping.columns import match_columns
from klaviyo_assets.mapping.normalise import person_email
from klaviyo_assets.mapping.profiles import Mapped, map_profiles
from klaviyo_assets.mapping.rules import RULES, WARNINGS

__all__ = ["RULES", "WARNINGS", "Mapped", "map_profiles", "match_columns", "person_email"]
