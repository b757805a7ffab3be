"""What money is worth, for any number of auctions.

A table has T0 + 1 rows. With t <= T0 auctions to come its row t is exact. Beyond, a unit of money
is worth almost the same wherever there is as much money per auction, so the last row serves as a
map (MapD of Cai et al., WSDM 2017): D(t,b) := D(T0, b·T0/t), where D(t,b) = V(t,b+1) - V(t,b).
Summed up, with V(T0,·) joined by straight lines,

    V(t,b) - V(t,b-a) := t/T0 · [V(T0, b·T0/t) - V(T0, (b-a)·T0/t)].

The paper also fits a small network to D; the map takes its place here and needs no training.

All advertisers buy at the same prices, and the table is linear in the mean value: one table in
units of it serves all of them.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import pytree
from equibid.bidders.search import eligible_share
from equibid.bidders.training import TrainingLog
from equibid.bidders.value_table import value_table
from equibid.division import divided
from equibid.errors import UnsuitableError

# Cells of an exact table: 400 MB.
MOST_CELLS = 50_000_000
# T0, and the price levels laid over prices that have none of their own.
AUCTIONS = 128
PRICE_LEVELS = 201
# Prices above this quantile are left to others when levels are laid.
TOP_QUANTILE = 0.99


@pytree("levels", "whole")
class ValueModel:
    """What money is worth to the advertisers of a market.

    Attributes:
        table: V(n,b) in mean values, ascending in b; b in price levels.
        mean_value: of an impression the advertiser is eligible for, value units; 0 when training
            saw no value.
        share: of impressions the advertiser is eligible for.
        step: currency per price level.
        levels: P, price levels; the highest bid is P-1.
        whole: whether prices lie on the levels; otherwise bids lie between them too.
    """

    table: Float[Array, "T0+1 B0+1"]
    mean_value: Float[Array, " N"]
    share: Float[Array, " N"]
    step: Float[Array, ""]
    levels: int
    whole: bool

    @property
    def horizon(self) -> int:
        """T0, the most auctions that are looked up as they are."""
        return self.table.shape[0] - 1

    def money(self, remaining: Float[Array, " N"]) -> Float[Array, " N"]:
        """Currency in whole price levels."""
        return jnp.floor(divided(remaining, self.step))

    def auctions(self, impressions_left: Int[Array, ""]) -> Float[Array, " N"]:
        """Auctions that follow the present one, for each advertiser, to the nearest one.

        Rounded down, the last impression but one would pass for the last wherever an advertiser is
        eligible for nearly all.
        """
        return jnp.floor(jnp.maximum(impressions_left - 1, 0) * self.share + 0.5)

    def stretch(self, auctions: Float[Array, " N"]) -> Float[Array, " N"]:
        """Auctions one of the table stands for: t / T0 on the map, 1 where a row is exact."""
        return jnp.maximum(auctions / max(self.horizon, 1), 1.0)

    def worth(self, values: Float[Array, "B N"]) -> Float[Array, "B N"]:
        """Values in mean values."""
        return divided(values, jnp.where(self.mean_value > 0, self.mean_value, 1))

    def price(
        self, levels: Float[Array, "B N"], values: Float[Array, "B N"]
    ) -> Float[Array, "B N"]:
        """Price levels as bids in currency; no bid without value, now or in training."""
        bids = (levels * self.step).astype(values.dtype)
        return jnp.where((values > 0) & (self.mean_value > 0), bids, ABSENT)

    def best_level(
        self,
        auctions: Float[Array, " N"],
        money: Float[Array, " N"],
        worth: Float[Array, "B N"],
        stretch: Float[Array, " N"] | float,
    ) -> Float[Array, "B N"]:
        """The highest bid that an impression is worth.

        That is the largest a <= min(b, P-1) with worth >= V(t,b) - V(t,b-a') for all a' <= a; as
        V ascends, the last a is the hardest to meet. Where prices do not lie on levels, a is not a
        whole number, and the loss is joined by straight lines.

        Args:
            auctions: t, how many follow.
            money: b, price levels.
            worth: of the impression, mean values.
            stretch: auctions, and price levels of money, that one of the table stands for.

        Returns:
            The bid in price levels.
        """
        loss = self.losses(auctions, money, stretch)
        bid = jax.vmap(partial(jnp.searchsorted, side="right"), 1, 1)(loss, worth) - 1
        if self.whole:
            return bid.astype(jnp.float64)
        here, above = (jnp.take_along_axis(loss, level, axis=0) for level in (bid, bid + 1))
        return bid + (worth - here) / (above - here)

    def losses(
        self,
        auctions: Float[Array, " N"],
        money: Float[Array, " N"],
        stretch: Float[Array, " N"] | float,
    ) -> Float[Array, "P+1 N"]:
        """V(t,b) - V(t,b-a) for each level a, in mean values; infinite where a cannot be bid."""
        row = jnp.minimum(auctions, self.horizon).astype(jnp.int32)
        end = self.table.shape[1] - 1
        purse = jnp.minimum(money / stretch, end)

        def value(at: Float[Array, "#P N"]) -> Float[Array, "#P N"]:
            low = jnp.floor(at).astype(jnp.int32)
            below, above = self.table[row, low], self.table[row, jnp.minimum(low + 1, end)]
            return below + (at - low) * (above - below)

        bid = jnp.arange(self.levels + 1)[:, None]
        left = jnp.maximum(purse - bid / stretch, 0)
        loss = stretch * (value(purse[None]) - value(left))
        return jnp.where(bid <= jnp.minimum(money, self.levels - 1), loss, jnp.inf)


def exact_model(log: TrainingLog, most_cells: int = MOST_CELLS) -> ValueModel:
    """A row for every auction of the period and a column for every price level of the budget.

    A market whose prices lie on no levels, or whose table would be too large, gets the mapped one.

    Raises:
        InputError: a win does not cost the market price.
    """
    budget = float(np.max(np.asarray(log.campaigns.budget), initial=0) // log.history.step)
    if not on_levels(log) or (log.period + 1) * (budget + 1) > most_cells:
        return mapped_model(log)
    return _model(log, level_pmf(log), log.history.step, log.period, int(budget), whole=True)


def mapped_model(
    log: TrainingLog, auctions: int = AUCTIONS, price_levels: int = PRICE_LEVELS
) -> ValueModel:
    """A table of some auctions with money enough to win nearly all of them.

    Args:
        log: to tune on.
        auctions: T0, rows of the table.
        price_levels: laid over prices that have none of their own.

    Raises:
        InputError: a win does not cost the market price.
    """
    whole = on_levels(log)
    pmf, step = (level_pmf(log), log.history.step) if whole else laid_pmf(log, price_levels)
    level = np.arange(len(pmf))
    mean = pmf @ level
    spread = np.sqrt(auctions * max(pmf @ level**2 - mean**2, 0))
    budget = int(min(auctions * mean + 6 * spread, auctions * level[-1])) + len(pmf)
    return _model(log, pmf, step, auctions, budget, whole=whole)


def _model(
    log: TrainingLog,
    pmf: npt.NDArray[np.float64],
    step: float,
    auctions: int,
    budget: int,
    *,
    whole: bool,
) -> ValueModel:
    if not log.rule.second_price:
        raise UnsuitableError(
            "its dynamic program supposes that the highest bid wins and pays the market price, as "
            "in second-price auctions"
        )
    share = eligible_share(log)
    table = value_table(pmf, 1.0, auctions, budget)
    return ValueModel(
        table=jnp.maximum.accumulate(table, axis=1),
        mean_value=jnp.asarray(log.history.mean_value / np.where(share > 0, share, 1)),
        share=jnp.asarray(share),
        step=jnp.asarray(step),
        levels=len(pmf),
        whole=whole,
    )


def on_levels(log: TrainingLog) -> bool:
    """Whether every logged price is one of the history's price levels."""
    level = log.best_slot_prices() / log.history.step
    if not np.isfinite(level).all():
        return False
    return bool(
        (np.abs(level - np.rint(level)) < 1e-6).all()
        and level.max(initial=0) < len(log.history.counts) - 0.5
    )


def level_pmf(log: TrainingLog) -> npt.NDArray[np.float64]:
    """Market prices by level, each level with one impression more than was seen."""
    counts = log.history.counts
    return (counts + 1) / (log.history.impressions + len(counts))


def laid_pmf(
    log: TrainingLog, price_levels: int = PRICE_LEVELS
) -> tuple[npt.NDArray[np.float64], float]:
    """The same for levels laid evenly up to a high price, and the step between them."""
    logged = log.best_slot_prices()
    prices = logged[np.isfinite(logged)]
    high = float(np.quantile(prices, TOP_QUANTILE)) if prices.size else 0.0
    top = high or float(prices.max(initial=0)) or 1.0
    step = top / (price_levels - 1)
    # A price is met by the first level that is not below it.
    level = np.ceil(prices / step - 1e-9).astype(np.int64)
    counts = np.bincount(level[level < price_levels], minlength=price_levels)
    return (counts + 1) / (len(logged) + price_levels), step
