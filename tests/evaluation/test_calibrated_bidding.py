"""What calibration does to RLB and LIN on an unfiltered log."""

import polars as pl
import pytest

from equibid.auctions.registry import auction_named
from equibid.evaluation.arena import enter, jobs
from equibid.logs import LogDataset, read_log, with_budget_share
from equibid.logs.calibrated import calibrated
from equibid.simulation.scenario import recorded_scenario
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou/hourly/1458.test.txt.gz"


def clicks(dataset: LogDataset) -> dict[str, float]:
    """Counted clicks of each bidder over all delivery periods."""
    scenario = recorded_scenario(dataset, auction_named("second-price"), "impression")
    rows = pl.concat(
        [job.run() for job in jobs(scenario, enter(scenario, ["lin", "rlb"]), 1, "mixed")]
    )
    sums = rows.group_by("bidder").agg(pl.col("conversions").sum())
    return dict(sums.iter_rows())


@pytest.mark.slow
@needs("data/ipinyou/hourly")
@pytest.mark.parametrize("share", [1 / 2, 1 / 4])
def test_rlb_passes_lin_only_with_calibrated_values(share: float) -> None:
    # Few clicks: 51 in all, so the lead is counted here and its interval in the benchmark.
    (dataset,) = read_log(REAL)
    dataset = with_budget_share(dataset, share)
    before = clicks(dataset)
    assert before["rlb"] < before["lin"]
    for kind in ("platt", "isotonic"):
        after = clicks(calibrated(dataset, kind))
        assert after["rlb"] > after["lin"]
        assert after["rlb"] > before["rlb"]
