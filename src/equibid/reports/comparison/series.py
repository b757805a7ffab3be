"""Curves over the period: the mean over replicates, and how far they lie apart."""

import polars as pl

# A chart is about a thousand pixels wide: more points would hardly be seen.
POINTS = 96


def coarse(delivery: pl.DataFrame) -> pl.DataFrame:
    """Sums over spans of ticks, at most `POINTS` of them a replicate and bidder.

    Adds `start` and `end`, the span's first tick and the one after its last.
    """
    ticks = int(delivery.select(pl.col("tick").max()).item()) + 1
    length = -(-ticks // POINTS)
    sums = ("spend", "wins", "offered", "bid", "value_offered")
    return (
        delivery.with_columns(start=pl.col("tick") // length * length)
        .group_by("seed", "bidder", "start", maintain_order=True)
        .agg(*(pl.col(name).sum() for name in sums), pl.col("budget").max())
        .with_columns(end=(pl.col("start") + length).clip(upper_bound=ticks))
        .sort("bidder", "seed", "start")
    )


def over_replicates(spans: pl.DataFrame, x: pl.Expr, y: pl.Expr) -> pl.DataFrame:
    """A row a `bidder` and `x`: mean, `low` (least) and `high` (most) of `y` over replicates."""
    return (
        spans.select("bidder", x.alias("x"), y.alias("y"))
        .drop_nulls()
        .group_by("bidder", "x", maintain_order=True)
        .agg(
            mean=pl.col("y").mean(),
            low=pl.col("y").min(),
            high=pl.col("y").max(),
        )
        .sort("bidder", "x")
    )


def ratio(top: str | pl.Expr, bottom: str) -> pl.Expr:
    """Quotient of columns, null where the lower one is not positive."""
    over = pl.col(top) if isinstance(top, str) else top
    return pl.when(pl.col(bottom) > 0).then(over / pl.col(bottom))


MIDDLE = (pl.col("start") + pl.col("end")) / 2


def pacing(delivery: pl.DataFrame) -> pl.DataFrame:
    """Share of the budget spent by the end of each tick."""
    spent = pl.col("spend").cum_sum().over("seed", "bidder", order_by="start")
    spans = coarse(delivery).with_columns(spent=spent)
    return over_replicates(spans, pl.col("end").cast(pl.Float64), ratio("spent", "budget"))


def factor(delivery: pl.DataFrame) -> pl.DataFrame:
    """Money bid for a unit of value, in each tick: ``Σ bid / Σ value``."""
    return over_replicates(coarse(delivery), MIDDLE, ratio("bid", "value_offered"))


def win_rate(delivery: pl.DataFrame) -> pl.DataFrame:
    """Slots won for each impression bid on, in each tick."""
    return over_replicates(coarse(delivery), MIDDLE, ratio("wins", "offered"))
