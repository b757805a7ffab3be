"""How the impressions of one step of a game are sold.

A sale takes the bidders' factors (or whatever they bid by) and the money, and gives the money that
is left and the sums of the step. There are four:

- `HostTicks`: a tick on the fused kernel, called out of the compiled program; the fastest on a CPU.
- `Ticks`: a tick in XLA, for any bidder, auction and backend.
- `Impressions`: one impression in XLA.
- `LoggedTicks`: a tick bought at logged prices, each advertiser by itself: no bid moves a price.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Int

from equibid.auctions import fused
from equibid.auctions.budgets import Ledger
from equibid.auctions.clearing import ABSENT, Auction
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import FIELDS, Tally, no_tally
from equibid.bidders.bidder import Observation, State, pytree
from equibid.bidders.population import Population
from equibid.bidders.training import TrainingLog
from equibid.compiled import compiled
from equibid.markets.market import Market
from equibid.simulation.blocks import Carry, block_length, play_block

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = tuple[Floats, Floats, Flags]


class Offer(NamedTuple):
    """What is brought to a sale.

    Attributes:
        tick: number of the tick in the market, all periods counted.
        impression: number of the impression in the market; the tick's first where ticks are sold.
        population: who bids.
        states: of its bidders.
        observation: what they see, with ticks and impressions of the period.
        ledger: the money.
        opening: money at the start of the tick.
        key: of the period; None where nothing is drawn.
    """

    tick: Array
    impression: Array
    population: Population
    states: tuple[State, ...]
    observation: Observation
    ledger: Ledger
    opening: Array
    key: jax.Array


class Sale(Protocol):
    """A way to sell what arrives in one step; a pytree."""

    def sell(self, offer: Offer) -> tuple[Ledger, Tally]:
        """The money afterwards, and the sums of the step."""
        ...


@pytree("auction", "sampled")
class Ticks:
    """A tick in XLA, block by block.

    Attributes:
        market: all periods in a row.
        auction: the rule.
        sampled: draw exposures, winners and conversions; False books expectations.
    """

    market: Market
    auction: Auction
    sampled: bool

    def sell(self, offer: Offer) -> tuple[Ledger, Tally]:
        """Sell the impressions of the tick."""
        market = self.market
        length = block_length(market.impressions, market.advertisers)
        start, end = market.tick_start[offer.tick], market.tick_start[offer.tick + 1]

        def block(number: Array, carry: Carry) -> Carry:
            first = start + number * length
            slice_start = jnp.minimum(first, market.impressions - length)
            last = jnp.minimum(first + length, end)
            return _play(self, offer, carry, slice_start, length, first, last, jnp.inf)

        carry = jax.lax.fori_loop(0, -(-(end - start) // length), block, _carry(offer))
        return carry.ledger, carry.tick


@pytree("auction", "sampled")
class Impressions:
    """One impression in XLA; nobody bids more than it has left. Attributes as `Ticks`."""

    market: Market
    auction: Auction
    sampled: bool

    def sell(self, offer: Offer) -> tuple[Ledger, Tally]:
        """Sell the impression."""
        k, cap = offer.impression, offer.ledger.remaining
        carry = _play(self, offer, _carry(offer), k, 1, k, k + 1, cap)
        return carry.ledger, carry.tick


def _carry(offer: Offer) -> Carry:
    advertisers = offer.ledger.remaining.shape[0]
    return Carry(offer.ledger, offer.opening, offer.states, no_tally(advertisers))


def _play(
    sale: Ticks | Impressions,
    offer: Offer,
    carry: Carry,
    slice_start: Array,
    length: int,
    first: Array,
    last: Array,
    cap: Any,
) -> Carry:
    return play_block(
        sale.market,
        sale.auction,
        offer.population,
        offer.key,
        sale.sampled,
        carry,
        offer.observation,
        slice_start,
        length,
        first,
        last,
        cap,
    )


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1)


@pytree("tick", "minimum_budget")
class OnHost:
    """A sale that leaves the compiled program: many parallel markets at once, one a thread.

    Attributes:
        tick: sells one tick of one market. From (tick, factor [N], remaining [N], active [N],
            quantum, seed) to the rows of a `Tally` [9, N], the money and who is still there.
        minimum_budget: an advertiser with less money sits out the tick.
    """

    tick: Callable[..., Rows]
    minimum_budget: float

    def sell(self, offer: Offer) -> tuple[Ledger, Tally]:
        """Sell the tick."""
        ledger = offer.ledger
        key = jax.random.fold_in(offer.key, offer.observation.tick)
        factor = offer.population.factor(offer.states, offer.observation, key)
        factor = jnp.where(offer.opening < self.minimum_budget, ABSENT, factor)
        N = ledger.remaining.shape[0]
        high, low = jax.random.key_data(offer.key)
        # One array there and one back: each costs as much as a small market's whole tick.
        asked = jnp.concatenate(
            [
                *(factor, ledger.remaining, ledger.active.astype(jnp.float64)),
                jnp.stack(
                    [ledger.quantum, *(x.astype(jnp.float64) for x in (offer.tick, high, low))]
                ),
            ]
        )
        answer = jax.ShapeDtypeStruct((len(FIELDS) + 2, N), jnp.float64)
        rows = jax.pure_callback(self._many, answer, asked, vmap_method="broadcast_all")
        ledger = Ledger(rows[-2], rows[-1] > 0, ledger.quantum)
        return ledger, Tally(*rows[:-2])

    def _many(self, asked: Any) -> Floats:
        """One market, or any number of them in leading axes."""
        table = np.asarray(asked)
        markets = table.reshape(-1, table.shape[-1])
        spread = map if len(markets) == 1 else _threads().map
        answers = np.stack(list(spread(self._one, markets)))
        return answers.reshape(*table.shape[:-1], *answers.shape[1:])

    def _one(self, asked: Floats) -> Floats:
        """A tick of one market."""
        factor, remaining, active = asked[:-4].reshape(3, -1)
        quantum, tick, high, low = asked[-4:]
        seed = (int(high) << 32) | int(low)
        sums, remaining, active = self.tick(
            int(tick), factor, remaining, active > 0, float(quantum), seed
        )
        return np.concatenate([sums, [remaining, active]], dtype=np.float64)


def host_ticks(market: Market, auction: Ranked, sampled: bool) -> OnHost:
    """Sell ticks of factor bids in a ranked auction on the fused kernel."""
    values, start = np.asarray(market.values), np.asarray(market.tick_start)
    ids = None if market.candidates is None else np.asarray(market.candidates, np.int32)
    outside = None if market.market_price is None else np.asarray(market.market_price)
    outcomes = None if market.outcomes is None else np.asarray(market.outcomes)

    def tick(
        tick: int, factor: Floats, remaining: Floats, active: Flags, quantum: float, seed: int
    ) -> Rows:
        first, last = int(start[tick]), int(start[tick + 1])
        purse = fused.Purse(remaining.copy(), active.copy(), quantum)
        sums = fused.settle_factors(
            auction,
            purse,
            values[first:last],
            factor,
            ids=None if ids is None else ids[first:last],
            outside=None if outside is None else outside[first:last],
            outcomes=None if outcomes is None else outcomes[first:last],
            seed=seed if sampled else None,
            first_impression=first,
            bid_step=market.bid_step,
            bid_cap=market.bid_cap,
        )
        return sums, purse.remaining, purse.active

    return OnHost(tick, auction.minimum_budget)


def logged_ticks(log: TrainingLog, tick_start: Int[Array, " T+1"]) -> OnHost:
    """Sell ticks at the log's prices, each advertiser by itself, exposures expected.

    A bid takes the best slot whose price it reaches and the advertiser can still pay.

    Args:
        log: what is sold.
        tick_start: tick t holds the log's impressions ``tick_start[t] … tick_start[t+1] - 1``.
    """
    values = np.asarray(log.values)
    prices = np.asarray(log.prices, np.float64)
    exposure = np.asarray(log.exposure)
    start = np.asarray(tick_start)

    def tick(
        tick: int, factor: Floats, remaining: Floats, active: Flags, quantum: float, seed: int
    ) -> Rows:
        rows = slice(start[tick], start[tick + 1])
        sums, left = np.zeros((len(FIELDS), len(factor))), remaining.copy()
        _buy(
            values[rows],
            prices[rows],
            exposure,
            factor.astype(values.dtype),
            left,
            quantum,
            values.dtype.type(log.bid_step),
            values.dtype.type(log.bid_cap),
            sums,
        )
        return sums, left, active & (left > 0)

    return OnHost(tick, 0.0)


@compiled
def _buy(values, prices, exposure, factor, remaining, quantum, step, cap, sums):
    own_prices = prices.shape[1] > 1
    for k in range(values.shape[0]):
        for i in range(values.shape[1]):
            value = values[k, i]
            if not (value > 0 and factor[i] > -np.inf):
                continue
            bid = factor[i] * value
            if step > 0:
                bid = np.floor(bid / step) * step
            bid = min(bid, cap)
            column = i if own_prices else 0
            sums[0, i] += 1
            sums[1, i] += bid
            sums[2, i] += value
            sums[3, i] += prices[k, column, exposure.shape[0] - 1]
            for s in range(exposure.shape[0]):
                paid = np.ceil(prices[k, column, s] * exposure[s] / quantum) * quantum
                if bid >= prices[k, column, s] and remaining[i] >= paid:
                    remaining[i] -= paid
                    sums[4, i] += 1
                    sums[5, i] += exposure[s]
                    sums[6, i] += paid
                    sums[7, i] += value * exposure[s]
                    sums[8, i] += value * exposure[s]
                    break
