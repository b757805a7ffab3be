"""What a delivery period delivered."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from equibid.auctions.tally import FIELDS, Tally


@partial(jax.tree_util.register_dataclass, data_fields=["tally", "remaining"], meta_fields=[])
@dataclass(frozen=True)
class Delivery:
    """Sums by tick and advertiser, with a leading axis S when several periods were played.

    Attributes:
        tally: every field of `Tally` as [T, N].
        remaining: money left at the end of each tick, currency.
    """

    tally: Tally
    remaining: Float[Array, "*S T N"]

    def total(self) -> Tally:
        """Sums over the period: every field of `Tally` as [N]."""
        return jax.tree.map(lambda x: x.sum(axis=-2), self.tally)

    def factors(self) -> Float[np.ndarray, "*S T N"]:
        """What was bid over what it was bid on, currency per value unit; 0 where nothing was."""
        bid, value = (np.asarray(x) for x in (self.tally.bid, self.tally.value_offered))
        return np.where(value > 0, bid / np.where(value > 0, value, 1), 0.0)

    def frame(self) -> pl.DataFrame:
        """One row a tick and advertiser, for Parquet; with a column ``period`` when stacked."""
        columns = {name: np.asarray(getattr(self.tally, name)) for name in FIELDS}
        columns["remaining"] = np.asarray(self.remaining)
        shape = columns["remaining"].shape
        axes = ("period", "tick", "advertiser")[-len(shape) :]
        index = {
            axis: np.broadcast_to(
                np.arange(size).reshape([-1 if a == at else 1 for a in range(len(shape))]), shape
            )
            for at, (axis, size) in enumerate(zip(axes, shape, strict=True))
        }
        return pl.DataFrame({name: x.ravel() for name, x in (index | columns).items()})
