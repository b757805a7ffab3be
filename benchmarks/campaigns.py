"""Learners and classic bidders on the campaigns of a log, asked at every impression.

    python benchmarks/campaigns.py ../shared/data/ipinyou/rlb attention-critic-paced,mappo 0.125,0.5

Trains each algorithm with its defaults on the first fifth of every campaign (a run that is there
already is taken), once for each budget share, then compares on the rest. Prints, for each share:
expected and counted clicks of all campaigns together, eCPC and CPM in fen, the win rate, and clicks
over LIN's with a 95 % bootstrap interval over the campaigns' periods.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from learners import command

CLASSIC = ("constant", "mcpc", "lin", "ortb1", "pid-ecpc", "pacing", "pacing-ratio", "fixed", "rlb")
DRAWS = 2000


def interval(mine: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Of the ratio of sums, 95 %: periods are drawn with replacement, the same for both."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(mine), (DRAWS, len(mine)))
    ratio = mine[draws].sum(axis=1) / np.maximum(other[draws].sum(axis=1), 1e-300)
    low, high = np.quantile(ratio, [0.025, 0.975])
    return float(low), float(high)


def table(folder: Path) -> pl.DataFrame:
    """All campaigns of a comparison together."""
    rows = pl.read_parquet(folder / "delivery.parquet")
    keys = ["bidder", "market", "replicate"]
    each = rows.group_by(keys).agg(pl.col("value", "conversions", "spend", "wins", "offered").sum())
    each = each.sort(keys)
    lin = each.filter(pl.col("bidder") == "lin")
    told = []
    for (name,), own in each.group_by(["bidder"], maintain_order=True):
        total = own.sum()
        spend, wins = total["spend"][0], total["wins"][0]
        clicks, value = total["conversions"][0], total["value"][0]
        ratios = {
            what: interval(own[what].to_numpy(), lin[what].to_numpy())
            for what in ("value", "conversions")
        }
        told.append(
            {
                "bidder": name,
                "expected": value,
                "clicks": clicks,
                "eCPC": spend / max(clicks, 1),
                "CPM": 1000 * spend / max(wins, 1),
                "win rate": wins / total["offered"][0],
                "expected / lin": value / lin["value"].sum(),
                "expected from": ratios["value"][0],
                "expected to": ratios["value"][1],
                "clicks / lin": clicks / lin["conversions"].sum(),
                "clicks from": ratios["conversions"][0],
                "clicks to": ratios["conversions"][1],
            }
        )
    return pl.DataFrame(told).sort("expected", descending=True)


def main(log: str, algorithms: str = "mappo", shares: str = "0.125") -> None:
    """Train, compare, tell."""
    runs = Path("runs")
    for share in shares.split(","):
        asked = ["--budget-share", share]
        learned = []
        for name in algorithms.split(","):
            folder = runs / f"train-campaigns-{share}-{name}"
            if not (folder / "result.json").exists():
                took = command("train", log, "--algorithm", name, *asked, "--out", str(folder))
                print(f"{name} at {share}: {took:.0f} s", flush=True)
            learned.append(str(folder))
        out = runs / f"campaigns-{share}"
        bidders = ",".join([*learned, *CLASSIC])
        command("compare", log, "--bidders", bidders, *asked, "--out", str(out))
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, float_precision=3):
            print(table(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
