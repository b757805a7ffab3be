"""How reliably a bidder scores: interquartile mean and performance profile over replicates.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
NeurIPS 2021, sections 4.2 and 4.3. What is a task there is a market here, what is a run there is a
replicate (a day, a delivery period). Scores are relative to the mean of all contenders on the same
replicate, so that markets can be pooled.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from equibid.evaluation.bootstrap import RESAMPLES, bootstrap, repeated, resampled
from equibid.evaluation.statistics import units

KEYS = ["market", "replicate"]
# As many thresholds as a chart can show.
POINTS = 101
# Numbers to draw: with thousands of replicates a few hundred samples are as good.
DRAWN, LEAST = 4_000_000, 200


def interquartile_mean(scores: Float[np.ndarray, " R"]) -> float:
    """Mean of the middle half: a quarter of the replicates is cut off at either end.

    Where R is no multiple of four, the replicates at the edges count in part, so that exactly half
    the weight is kept (scipy's and the paper's trimmed mean cuts whole replicates instead).
    NaN of nothing.
    """
    count = len(scores)
    if not count:
        return float("nan")
    edge = np.arange(count + 1) / count
    weight = np.clip(np.minimum(edge[1:], 0.75) - np.maximum(edge[:-1], 0.25), 0, None)
    return float(np.sort(scores) @ weight / weight.sum())


def profile(
    scores: Float[np.ndarray, " R"], thresholds: Float[np.ndarray, " P"]
) -> Float[np.ndarray, " P"]:
    """Share of replicates that score more than each threshold: the performance profile."""
    return 1 - np.searchsorted(np.sort(scores), thresholds, side="right") / len(scores)


def relative_scores(rows: pl.DataFrame, references: Sequence[str], score: str) -> pl.DataFrame:
    """A row a market, replicate and bidder: its sum over the mean of the contenders there.

    Args:
        rows: of a comparison.
        references: bidders that are no contenders.
        score: the sum to compare, "value" or "conversions".

    Returns:
        `market`, `replicate`, `bidder`, `score`, null where the contenders bought nothing, and
        `bought`, the bidder's own sum.
    """
    sums = rows.group_by(*KEYS, "bidder", maintain_order=True).agg(pl.col(score).sum())
    peers = sums.filter(~pl.col("bidder").is_in(list(references)))
    peers = peers if peers.height else sums
    mean = peers.group_by(KEYS, maintain_order=True).agg(mean=pl.col(score).mean())
    relative = pl.when(pl.col("mean") > 0).then(pl.col(score) / pl.col("mean"))
    joined = sums.join(mean, on=KEYS, maintain_order="left")
    return joined.select(*KEYS, "bidder", score=relative, bought=pl.col(score))


def samples_for(replicates: int) -> int:
    """How many bootstrap samples are worth their time."""
    return int(np.clip(DRAWN // max(replicates, 1), LEAST, RESAMPLES))


def reliability(scores: pl.DataFrame, seed: int = 0, resamples: int | None = None) -> pl.DataFrame:
    """Interquartile mean, median and worst of each bidder's scores.

    Returns:
        A row a bidder: `bidder`, `iqm` with `iqm_low` and `iqm_high` (95 %, percentile bootstrap
        stratified by market; null where a market has one replicate, or nothing was drawn for the
        bidder), `median`, `worst`, and `replicates` (see `statistics.units`).
    """
    found = []
    for name, one, strata in by_bidder(scores):
        interval = bootstrap(
            one,
            lambda x: np.asarray(interquartile_mean(x)),
            strata=strata,
            seed=seed,
            resamples=resamples or samples_for(len(one)),
        )
        found.append((name, *interval, float(np.median(one)), float(one.min()), len(one)))
    columns = ["bidder", "iqm", "iqm_low", "iqm_high", "median", "worst", "replicates"]
    return pl.DataFrame(found, schema=columns, orient="row").fill_nan(None)


def profiles(scores: pl.DataFrame, seed: int = 0, resamples: int | None = None) -> pl.DataFrame:
    """Performance profiles of all bidders over the same thresholds.

    Returns:
        A row a bidder and threshold: `bidder`, `threshold`, `share`, with `low` and `high` (95 %,
        pointwise, stratified bootstrap; null where a market has one replicate).
    """
    known = scores.drop_nulls("score")["score"]
    if known.is_empty():
        return pl.DataFrame(schema={"bidder": pl.String} | dict.fromkeys(PROFILE, pl.Float64))
    ends = np.array([known.min(), known.max()], np.float64)
    margin = 0.02 * max(ends[1] - ends[0], 1e-3)
    thresholds = np.linspace(max(ends[0] - margin, 0.0), ends[1] + margin, POINTS)
    frames = []
    for name, one, strata in by_bidder(scores):
        count = resamples or samples_for(len(one))
        drawn = resampled(one, lambda x: profile(x, thresholds), strata, count, seed)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        if not repeated(len(one), strata):
            low, high = np.full((2, POINTS), np.nan)
        columns = (thresholds, profile(one, thresholds), low, high)
        frame = pl.DataFrame(dict(zip(PROFILE, columns, strict=True)))
        frames.append(frame.select(pl.lit(name).alias("bidder"), pl.all()))
    return pl.concat(frames).fill_nan(None)


PROFILE = ("threshold", "share", "low", "high")


def by_bidder(scores: pl.DataFrame) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Each bidder's known scores, a number a unit of replicates, and the number of its market."""
    known = scores.drop_nulls("score").with_columns(
        stratum=pl.col("market").rank("dense").cast(pl.Int64)
    )
    found = []
    for one in known.partition_by("bidder", maintain_order=True):
        strata = one["stratum"].to_numpy()
        unit = units((one["bought"].to_numpy(),), strata)
        first = np.unique(unit, return_index=True)[1]
        mean = np.bincount(unit, one["score"].to_numpy()) / np.bincount(unit)
        found.append((one["bidder"][0], mean, strata[first]))
    return found
