"""Where a bidder is strong: what it buys of a segment beside what the contenders buy there."""

from collections.abc import Sequence

import polars as pl

# Spans of the period: hours, if it is a day.
HOURS = 24
KINDS = ("category", "time", "budget")


def segment_table(
    rows: pl.DataFrame, campaigns: pl.DataFrame, references: Sequence[str], score: str
) -> pl.DataFrame:
    """What each bidder bought in each segment, over the mean of all contenders there.

    Segments are the category of the advertiser, the time (`HOURS` spans of ticks, or fewer), and
    quarters of the advertisers by budget. In seats that change, every contender drives every
    advertiser once, so segments are the same for all.

    Args:
        rows: of a comparison.
        campaigns: see `campaign_frame`.
        references: bidders that are no contenders.
        score: the sum to compare, "value" or "conversions".

    Returns:
        A row a `bidder`, `kind` (category, time, budget) and `segment` (a number): `bought`, value
        units over all replicates, and `relative`, null where contenders bought nothing.
    """
    ticks = int(rows.select(pl.col("tick").max()).item()) + 1
    spans = min(HOURS, ticks)
    ranks = campaigns.select(
        "market",
        "advertiser",
        "category",
        quarter=(pl.col("budget").rank("ordinal") - 1) * 4 // pl.len(),
    )
    known = rows.join(ranks, on=["market", "advertiser"], how="left", maintain_order="left")
    segments = {
        "category": pl.col("category"),
        "time": pl.col("tick") * spans // ticks,
        "budget": pl.col("quarter"),
    }
    return pl.concat(
        _relative(known, kind, segment.cast(pl.Int64), references, score)
        for kind, segment in segments.items()
        if kind == "time" or campaigns.height > 1
    )


def _relative(
    rows: pl.DataFrame, kind: str, segment: pl.Expr, references: Sequence[str], score: str
) -> pl.DataFrame:
    bought = rows.group_by("bidder", segment.alias("segment"), maintain_order=True).agg(
        bought=pl.col(score).sum()
    )
    peers = bought.filter(~pl.col("bidder").is_in(list(references)))
    peers = peers if peers.height else bought
    count = peers["bidder"].n_unique()
    mean = peers.group_by("segment", maintain_order=True).agg(mean=pl.col("bought").sum() / count)
    joined = bought.join(mean, on="segment", maintain_order="left")
    relative = pl.when(pl.col("mean") > 0).then(pl.col("bought") / pl.col("mean"))
    columns = joined.select("bidder", "segment", "bought", relative=relative)
    return columns.select("bidder", pl.lit(kind).alias("kind"), pl.exclude("bidder")).sort(
        "bidder", "segment", maintain_order=True
    )
