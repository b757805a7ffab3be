"""Recorded campaigns whose predictions are made true by their training part."""

from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from made_logs import spaced, write

from equibid.errors import InputError
from equibid.logs import LogDataset, read_log
from equibid.logs.calibrated import calibrated
from equibid.markets.values.quality import expected_calibration_error, log_loss
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou/hourly/1458.test.txt.gz"


def figures(dataset: LogDataset) -> tuple[float, float]:
    """Log loss and calibration error on the test part."""
    p, y = (np.asarray(x)[:, 0] for x in (dataset.test.values, dataset.test.outcomes))
    return log_loss(p, y), expected_calibration_error(p, y)


def campaign(folder: Path) -> LogDataset:
    """Predictions twice too high."""
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        chance = rng.beta(1, 20, 4000)
        rows = [
            [str(int(rng.uniform() < p)), str(rng.integers(300)), f"{min(2 * p, 1):.6f}", "1"]
            for p in chance
        ]
        write(folder / f"7.{part}.txt", spaced(rows))
    return read_log(folder / "7.test.txt")[0]


@pytest.mark.parametrize("kind", ["isotonic", "platt", "scale"])
def test_values_become_true_and_the_test_part_plays_no_role(tmp_path: Path, kind: str) -> None:
    dataset = campaign(tmp_path)
    true = calibrated(dataset, kind)
    for before, after in zip(figures(dataset), figures(true), strict=True):
        assert after < before
    assert true.history is dataset.history
    outcomes = dataset.test.outcomes
    assert outcomes is not None
    turned = replace(dataset, test=replace(dataset.test, outcomes=~outcomes))
    assert (calibrated(turned, kind).test.values == true.test.values).all()
    values = dataset.test.values.at[5].set(0)
    none = calibrated(replace(dataset, test=replace(dataset.test, values=values)), kind)
    assert none.test.values[5, 0] == 0


def test_what_cannot_be_calibrated_is_refused(tmp_path: Path) -> None:
    dataset = campaign(tmp_path)
    assert calibrated(dataset, "none") is dataset
    assert dataset.train is not None
    dumb = replace(dataset, train=replace(dataset.train, outcomes=None))
    with pytest.raises(InputError, match="7: only a log with every outcome"):
        calibrated(dumb, "scale")
    nothing = replace(dataset.train, outcomes=jnp.zeros((4000, 1), bool))
    with pytest.raises(InputError, match="7: 0 of the 4000 impressions"):
        calibrated(replace(dataset, train=nothing), "scale")


@needs("data/ipinyou/hourly")
def test_calibration_helps_on_the_unfiltered_log() -> None:
    (dataset,) = read_log(REAL)
    y = np.asarray(dataset.test.outcomes)[:, 0]
    base = log_loss(np.full(len(y), y.mean()), y)
    before, _ = figures(dataset)
    # As they come, the predictions are worse than always saying the base rate.
    assert before > base
    for kind in ("isotonic", "platt"):
        after, error = figures(calibrated(dataset, kind))
        assert after < base
        assert error < figures(dataset)[1]
