"""The forms of iPinYou: the raw logs of seasons 2 and 3, and what make-ipinyou-data makes of them.

Prices are RMB fen per thousand impressions. Season 2 writes slot visibility and format as numbers,
season 3 as words; both are kept as they are written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from equibid.logs.importing.schema import (
    SCHEMAS,
    Field,
    LogSchema,
    features,
    integer,
    integer_or,
    known_only,
    named,
    text,
)

# The nine of seasons 2 and 3.
ADVERTISERS = (1458, 2259, 2261, 2821, 2997, 3358, 3386, 3427, 3476)
MOST = 2**31 - 1
# A bid's id and its time, a tab after each.
RAW = re.compile(r"[0-9a-f]{20,40}\t\d{17}\t")
# Click, weekday and hour before them; or a header that says so.
PREPARED_LINE = re.compile(r"[01]\t[0-6]\t\d\d\t[^\t]+\t\d{17}\t|click\tweekday\thour\tbidid\t")

LOG: tuple[Field, ...] = (
    named("bidid"),
    integer("timestamp", 20120101000000000, 20391231235959999, pl.Int64),
    integer("logtype", 1, 3, pl.UInt8),
    text("ipinyouid"),
    text("useragent"),
    text("IP"),
    integer_or("region", "null"),
    integer_or("city", "null"),
    integer_or("adexchange", "null", ""),
    text("domain"),
    text("url"),
    text("urlid"),
    text("slotid"),
    integer("slotwidth", 0, MOST),
    integer("slotheight", 0, MOST),
    text("slotvisibility"),
    text("slotformat"),
    integer("slotprice", 0, MOST),
    text("creative"),
    integer("bidprice", 0, MOST),
    integer("payprice", 0, MOST),
    text("keypage"),
    integer("advertiser", 0, MOST),
    text("usertag"),
)
BID = tuple(field for field in LOG if field.name not in ("logtype", "payprice", "keypage"))
OUTCOMES = (integer("nclick", 0, MOST), integer("nconversation", 0, MOST))
PREPARED = (
    integer("click", 0, 1, pl.UInt8),
    integer("weekday", 0, 6, pl.UInt8),
    integer("hour", 0, 23, pl.UInt8),
    *LOG,
    *(replace(field, optional=True) for field in OUTCOMES),
)

# What logs without predictions are good for.
TO_TRAIN = (
    "it says what was clicked, and not what it was expected to be worth; train predictions with "
    "`equibid values LOG --out FOLDER`, then compare bidders on FOLDER"
)
TO_JOIN = (
    "it has no predictions to bid by; import impressions with their clicks and conversions by "
    "--join, then train predictions with `equibid values`"
)
TO_MODEL = "it has no predictions to bid by; train a model of your own on it"

IMPRESSION = pl.col("logtype") == 1
# A price is fen per thousand impressions, their sum thousandths of a fen.
SPENT = pl.col("payprice").sum()


# One impression a bid; clicks and conversions may be several.
KEY = (
    pl.col("bidid"),
    pl.col("logtype"),
    pl.when(~IMPRESSION).then(pl.col("timestamp")).alias("timestamp"),
)
TOTALS = {
    "impressions": IMPRESSION.sum(),
    "clicks": (pl.col("logtype") == 2).sum(),
    "conversions": (pl.col("logtype") == 3).sum(),
    "cost": pl.when(IMPRESSION).then(pl.col("payprice")).sum(),
}


def raw(columns: int) -> Callable[[str, Sequence[str]], bool]:
    """A test for raw lines of so many columns."""

    def recognises(_: str, lines: Sequence[str]) -> bool:
        return any(RAW.match(line) and line.count("\t") == columns - 1 for line in lines)

    return recognises


def spaced_numbers(name: str, pattern: str) -> Callable[[str, Sequence[str]], bool]:
    """A test for a file's name and its lines, tabs taken as spaces."""

    def recognises(file: str, lines: Sequence[str]) -> bool:
        return re.search(name, file) is not None and any(
            re.fullmatch(pattern, line.replace("\t", " ")) for line in lines
        )

    return recognises


def encoded(name: str, suffix: str, line: str, *more: str) -> LogSchema:
    """Click, price, further whole numbers, and feature ids to the end of the line."""
    return LogSchema(
        name=name,
        fields=(
            integer("click", 0, 1, pl.UInt8),
            *(integer(number, 0, MOST) for number in ("payprice", *more)),
            features("features"),
        ),
        recognises=spaced_numbers(rf"{re.escape(suffix)}\b", line),
        separator=" ",
        spaced=True,
        rest=True,
        use=TO_MODEL,
        totals={
            "impressions": pl.len(),
            "clicks": pl.col("click").sum(),
            "cost": SPENT,
        },
    )


SCHEMAS.add(
    "ipinyou", "iPinYou's raw impressions, clicks or conversions, 24 columns (seasons 2 and 3)."
)(
    known_only(
        LogSchema(
            name="ipinyou",
            use=TO_JOIN,
            fields=LOG,
            recognises=raw(len(LOG)),
            separator="\t",
            key=KEY,
            totals=TOTALS,
            advertiser="advertiser",
        ),
        ADVERTISERS,
    )
)
SEASON_1 = tuple(field for field in LOG if field.name not in ("advertiser", "usertag"))
SCHEMAS.add(
    "ipinyou-1", "iPinYou's raw impressions, clicks or conversions of season 1, 22 columns."
)(
    LogSchema(
        name="ipinyou-1",
        use=TO_MODEL,
        fields=SEASON_1,
        recognises=raw(len(SEASON_1)),
        separator="\t",
        key=KEY,
        totals=TOTALS,
    )
)
SCHEMAS.add("ipinyou-1-bid", "iPinYou's raw bids of season 1, 19 columns.")(
    LogSchema(
        name="ipinyou-1-bid",
        use="it has no prices, so it cannot be played",
        fields=tuple(field for field in BID if field in SEASON_1),
        recognises=raw(len(BID) - 2),
        separator="\t",
        key=(pl.col("bidid"),),
        totals={"bids": pl.len()},
    )
)
SCHEMAS.add("ipinyou-bid", "iPinYou's raw bids, 21 columns (seasons 2 and 3).")(
    known_only(
        LogSchema(
            name="ipinyou-bid",
            use="it has no prices, so it cannot be played",
            fields=BID,
            recognises=raw(len(BID)),
            separator="\t",
            key=(pl.col("bidid"),),
            totals={"bids": pl.len()},
            advertiser="advertiser",
        ),
        ADVERTISERS,
    )
)
SCHEMAS.add("ipinyou-test", "iPinYou's leaderboard test, 26 columns (seasons 2 and 3).")(
    known_only(
        LogSchema(
            name="ipinyou-test",
            use=TO_MODEL,
            fields=(*LOG, *OUTCOMES),
            recognises=raw(len(LOG) + len(OUTCOMES)),
            separator="\t",
            key=(pl.col("bidid"),),
            totals={
                "impressions": pl.len(),
                "clicks": pl.col("nclick").sum(),
                "conversions": pl.col("nconversation").sum(),
                "cost": SPENT,
            },
            advertiser="advertiser",
        ),
        ADVERTISERS,
    )
)
SCHEMAS.add(
    "ipinyou-prepared", "make-ipinyou-data's train.log.txt and test.log.txt, 27 or 29 columns."
)(
    known_only(
        LogSchema(
            name="ipinyou-prepared",
            use=TO_TRAIN,
            fields=PREPARED,
            recognises=lambda _, lines: any(map(PREPARED_LINE.match, lines)),
            separator="\t",
            header="maybe",
            key=(pl.col("bidid"),),
            totals={
                "impressions": pl.len(),
                "clicks": pl.col("click").sum(),
                "conversions": pl.col("nconversation").sum(),
                "cost": SPENT,
            },
            advertiser="advertiser",
        ),
        ADVERTISERS,
    )
)
SCHEMAS.add("ipinyou-features", "make-ipinyou-data's *.yzx.txt: click, price, feature ids.")(
    encoded("ipinyou-features", ".yzx", r"[01] \d+( \d+:1)*")
)
SCHEMAS.add("ipinyou-bid-features", "*.yzbx.txt: click, price, bid, feature ids.")(
    encoded("ipinyou-bid-features", ".yzbx", r"[01] \d+ \d+( \d+:1)*", "bidprice")
)
SCHEMAS.add(
    "ipinyou-feature-index", "make-ipinyou-data's featindex.txt: column:value and its feature id."
)(
    LogSchema(
        name="ipinyou-feature-index",
        use="it names the features of other files, and cannot be played",
        fields=(named("feature"), integer("index", 0, MOST)),
        recognises=lambda file, lines: (
            "featindex" in file and any(re.fullmatch(r".*\t\d+", line) for line in lines)
        ),
        separator="\t",
        key=(pl.col("index"),),
        totals={"features": pl.len()},
    )
)
