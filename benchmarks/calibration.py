"""LIN and RLB on a recorded campaign, before and after its predictions are calibrated.

    python benchmarks/calibration.py LOG [--kinds none,scale,platt,isotonic] [--out table.csv]

LOG is read as `equibid compare` reads it, and needs a training part, as an hourly log with a train
file has. RLB plans with the mean click rate of training; where predictions are not true it holds
the wrong impressions dear. For each share of the budget: clicks counted, clicks expected by the
bidder's own predictions, and RLB's lead with a 95 % bootstrap interval over delivery periods, both
bidders resampled together.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.auctions.registry import auction_named
from equibid.evaluation.arena import enter, jobs
from equibid.logs import LogDataset, read_log, with_budget_share
from equibid.logs.calibrated import calibrated
from equibid.markets.values.quality import quality
from equibid.simulation.scenario import recorded_scenario

BIDDERS = ["lin", "rlb"]
SHARES = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
RESAMPLES = 10_000


def bootstrap(differences: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile interval of the sum over resampled periods [R]."""
    draws = np.random.default_rng(0).integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[draws].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def clicks(dataset: LogDataset) -> pl.DataFrame:
    """A row a delivery period: counted and expected clicks of each bidder."""
    scenario = recorded_scenario(dataset, auction_named("second-price"), "impression")
    played = [job.run() for job in jobs(scenario, enter(scenario, BIDDERS), 1, "mixed")]
    rows = (
        pl.concat(played).group_by("replicate", "bidder").agg(pl.col("conversions", "value").sum())
    )
    return rows.pivot("bidder", index="replicate", values=["conversions", "value"]).sort(
        "replicate"
    )


def table(dataset: LogDataset, kind: str) -> pl.DataFrame:
    """A row a share of the budget."""
    rows = []
    for share in SHARES:
        x = clicks(with_budget_share(dataset, share))
        counted = {name: x[f"conversions_{name}"].to_numpy() for name in BIDDERS}
        expected = {name: x[f"value_{name}"].to_numpy() for name in BIDDERS}
        low, high = bootstrap(counted["rlb"] - counted["lin"])
        expected_low, expected_high = bootstrap(expected["rlb"] - expected["lin"])
        rows.append(
            {"calibration": kind, "share": f"1/{1 / share:.0f}"}
            | {f"counted {name}": float(counted[name].sum()) for name in BIDDERS}
            | {"lead low": low, "lead high": high}
            | {f"expected {name}": float(expected[name].sum()) for name in BIDDERS}
            | {"expected lead low": expected_low, "expected lead high": expected_high}
        )
        print(rows[-1], flush=True)
    return pl.DataFrame(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--kinds", default="none,scale,platt,isotonic")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    (dataset,) = read_log(options.log)
    tables = []
    for kind in options.kinds.split(","):
        true = calibrated(dataset, kind)
        for name, part in (("train", true.train), ("test", true.test)):
            assert part is not None
            values, outcomes = np.asarray(part.values)[:, 0], np.asarray(part.outcomes)[:, 0]
            print(kind, name, rounded(quality(values, outcomes)._asdict()), flush=True)
        tables.append(table(true, kind))
    whole = pl.concat(tables)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160):
        print(whole)
    if options.out:
        whole.write_csv(options.out)


def rounded(figures: dict[str, float]) -> dict[str, float]:
    """Figures with six decimals."""
    return {name: round(x, 6) for name, x in figures.items()}


if __name__ == "__main__":
    main()
