"""What a value model sees of an impression: words, such as ``city=217``, turned into numbers.

Only what is known before the bid, and may change within a campaign. Prices paid, the bid of the
day and identities of single impressions are left out; so are addresses of pages, of which nearly
every one is new.
"""

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
from jaxtyping import Float

# From a column's name to its words [K], as logged.
Columns = Mapping[str, Sequence[str]]

SINGLE = (
    *("weekday", "hour", "useragent", "IP", "region", "city", "adexchange", "domain", "slotid"),
    *("slotwidth", "slotheight", "slotvisibility", "slotformat", "slotprice", "creative"),
)
# Words divided by commas.
LISTED = "usertag"
FLOOR = "slotprice"
# What the bidder brings itself: of an impression bought by another campaign it says nothing.
OWN = "creative"
NAMES = (*SINGLE, LISTED)

# Upper ends of the floor price's bands, fen CPM (make-ipinyou-data).
BANDS = (0, 10, 50, 100)

# A tree splits on at most 255 kinds of a word.
KINDS = 200


def words(columns: Columns) -> list[list[str]]:
    """[K] the words of each impression: one a column, and one a tag.

    An empty word says that nothing is known, and is left out.
    """
    single = [_named(name, columns[name]) for name in SINGLE]
    tags = [[f"{LISTED}={tag}" for tag in listed.split(",") if tag] for listed in columns[LISTED]]
    return [[word for word in row if word] + more for *row, more in zip(*single, tags, strict=True)]


def coded(columns: Columns) -> Float[np.ndarray, "K F"]:
    """Words as kinds 0 … `KINDS` - 1 by hash, a column each; the last column counts the tags."""
    kinds = [_kinds(_named(name, columns[name])) for name in SINGLE]
    tags = [0 if listed in ("", "null") else listed.count(",") + 1 for listed in columns[LISTED]]
    return np.stack([*kinds, np.asarray(tags, np.float64)], axis=1)


def without_own(columns: Columns) -> Columns:
    """The impressions as another campaign sees them: without what their buyer brought."""
    return {**columns, OWN: [""] * len(columns[OWN])}


def band(floor: str) -> str:
    """The band of a floor price: 0, 1-10, 11-50, 51-100 or above; other words as they are."""
    if not floor.isascii() or not floor.isdigit():
        return floor
    return str(int(np.searchsorted(BANDS, int(floor))))


def _named(name: str, column: Sequence[str]) -> list[str]:
    if name == FLOOR:
        column = [band(word) for word in column]
    return [f"{name}={word}" if word else "" for word in column]


def _kinds(column: list[str]) -> Float[np.ndarray, " K"]:
    known = {word: float(crc32(word.encode()) % KINDS) for word in set(column)}
    return np.array([known[word] for word in column])
