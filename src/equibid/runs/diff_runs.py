"""Several comparisons side by side: which settings differ, and what that changed.

Scores are relative to the contenders of a run, so runs are compared by what bidders bought, in
value units. Where two runs played the same days, day by day; what they share by chance then leaves
no noise in their difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from equibid.evaluation.pairs import KEYS, Paired, judged, paired
from equibid.runs.comparison_result import ComparisonResult

# What makes the days of a run: agreeing on it, replicate r is the same day in both.
DAYS = (
    *("market", "markets", "market_seed", "impressions", "advertisers", "ticks"),
    *("format", "budget_share", "budget", "log_digest", "period"),
)
# Of no account for what came out.
IDLE = ("out", "version")


@dataclass(frozen=True)
class PastComparison:
    """A comparison that was made.

    Attributes:
        name: of the run, for people; no two alike.
        config: of its folder.
        result: its tables.
    """

    name: str
    config: Mapping[str, Any]
    result: ComparisonResult


def differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, with their value in each (None if absent)."""
    flat = [_flat(config) for config in configs]
    names = dict.fromkeys(name for one in flat for name in one)
    found = {name: [one.get(name) for one in flat] for name in names if name not in IDLE}
    return {name: values for name, values in found.items() if any(x != values[0] for x in values)}


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for name, value in config.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        pairs |= inner if inner is not None else {f"{prefix}{name}": value}
    return pairs


def comparable(one: PastComparison, other: PastComparison) -> bool:
    """Whether sums over a replicate of both are of the same days and the same seats.

    In pairs a bidder's sum grows with the number of others it meets: these must be the same.
    """
    days = all(one.config.get(name) == other.config.get(name) for name in DAYS)
    pairs = [run.config.get("seating") == "pairs" for run in (one, other)]
    met = not any(pairs) or (
        all(pairs) and set(one.config["bidders"]) == set(other.config["bidders"])
    )
    return days and met and one.result.info.score == other.result.info.score


def differences(runs: Sequence[PastComparison]) -> pl.DataFrame:
    """Each bidder of a run beside the same bidder of the first run, on the days they share.

    Returns:
        A row a `run` and `bidder`: `replicates` they share, the `first` and `value` a replicate
        (value units), `difference` over the first with `low` and `high` (95 %; null where the
        first bought nothing), `p` of the sign-flip test, `same` where both runs are alike to the
        last bit, `p_holm`, corrected for all rows that differ, and whether the two are
        `separable` (see `statistics.separable`). Runs that share no days have no rows.
    """
    base, *others = runs
    found = []
    for other in others:
        if not comparable(base, other):
            continue
        one, two = (_sums(run.result) for run in (base, other))
        for bidder in one["bidder"].unique(maintain_order=True):
            both = one.filter(bidder=bidder).join(
                two.filter(bidder=bidder),
                on=[*KEYS, "bidder"],
                suffix="_other",
                maintain_order="left",
            )
            if both.is_empty():
                continue
            first, value = both["score"].to_numpy(), both["score_other"].to_numpy()
            gap: Paired = paired(value, first, both["market"].rank("dense").to_numpy())
            means = float(first.mean()), float(value.mean())
            same = np.array_equal(first, value)
            found.append((other.name, bidder, both.height, *means, *gap[:5], same))
    columns = ["run", "bidder", "replicates", "first", "value", "difference", "low", "high", "p"]
    columns += ["differing"]
    kinds = dict.fromkeys(columns, pl.Float64) | {"run": pl.String, "bidder": pl.String}
    kinds |= {"replicates": pl.Int64, "differing": pl.Int64, "same": pl.Boolean}
    table = pl.DataFrame(found, schema=kinds, orient="row")
    return judged(table)


def _sums(result: ComparisonResult) -> pl.DataFrame:
    score = pl.col(result.info.score).sum().alias("score")
    rows = result.delivery.group_by(*KEYS, "bidder", maintain_order=True).agg(score)
    return rows.sort(KEYS, maintain_order=True)
