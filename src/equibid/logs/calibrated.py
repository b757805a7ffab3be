"""A recorded campaign whose predictions are made true before anybody bids on them."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from equibid.errors import InputError
from equibid.logs.dataset import LogDataset, split_for_tuning
from equibid.markets.market import Market
from equibid.markets.values.calibration import fit_calibration


def calibrated(dataset: LogDataset, kind: str) -> LogDataset:
    """The same dataset with calibrated values.

    The curve of each advertiser is fitted on its predictions and outcomes in the training part,
    and applied to both parts; outcomes of the test part play no role.

    Args:
        dataset: with logged outcomes. Without a training log, its first fifth serves as one.
        kind: a name in `CALIBRATIONS`.

    Raises:
        InputError: no outcomes were logged, or the training part has none of one kind.
    """
    if kind == "none":
        return dataset
    dataset = split_for_tuning(dataset)
    train = dataset.train
    assert train is not None
    if train.outcomes is None or train.candidates is not None or dataset.known is not None:
        raise InputError(
            f"{dataset.name}: only a log with every outcome of its impressions can be calibrated"
        )
    predicted, happened = np.asarray(train.values, np.float64), np.asarray(train.outcomes)
    try:
        curves = [
            fit_calibration(kind, predicted[:, n], happened[:, n]) for n in range(train.advertisers)
        ]
    except InputError as error:
        raise InputError(f"{dataset.name}: {error}") from error

    def applied(market: Market) -> Market:
        values = np.asarray(market.values)
        true = [curve.apply(values[:, n]) for n, curve in enumerate(curves)]
        # An impression that nobody was eligible for stays so.
        true = np.where(values > 0, np.stack(true, axis=1), 0)
        return replace(market, values=jnp.asarray(true, market.values.dtype))

    return replace(dataset, test=applied(dataset.test), train=applied(train))
