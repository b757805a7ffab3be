"""How the impressions of one step of a game are sold.

A sale takes the bidders' factors (or whatever they bid by) and the money, and gives the money that
is left and the sums of the step. There are four:

- `host_ticks`: a tick on the fused kernel, called out of the compiled program; fastest on a CPU.
- `Ticks`: a tick in XLA, for any bidder, auction and backend.
- `Impressions`: one impression in XLA.
- `logged_ticks`: a tick bought at logged prices, each advertiser by itself: no bid moves a price.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Int

from equibid.auctions import fused
from equibid.auctions.budgets import BudgetState
from equibid.auctions.clearing import ABSENT, Auction
from equibid.auctions.ranked import Ranked
from equibid.auctions.tally import FIELDS, Tally, no_tally
from equibid.bidders.bidder import Observation, State, pytree
from equibid.bidders.population import Population
from equibid.bidders.replay import even_bids, on_grid, purchase
from equibid.bidders.training import TrainingLog
from equibid.compiled import compiled, cores, read_only
from equibid.envs.held import Held
from equibid.markets.market import Market
from equibid.simulation.blocks import Carry, block_length, play_block
from equibid.simulation.fused_play import market_lots
from equibid.simulation.tick_bids import most_blocks, tick_bids

Floats = npt.NDArray[np.float64]
Many = Callable[[Floats, Any, Floats, int, int], None]


class StepInput(NamedTuple):
    """What is brought to a sale.

    Attributes:
        tick: number of the tick in the market, all periods counted.
        impression: number of the impression in the market; the tick's first where ticks are sold.
        population: who bids.
        states: of its bidders.
        observation: what they see, with ticks and impressions of the period.
        budgets: the money.
        opening: money at the start of the tick.
        key: of the period; None where nothing is drawn.
    """

    tick: Array
    impression: Array
    population: Population
    states: tuple[State, ...]
    observation: Observation
    budgets: BudgetState
    opening: Array
    key: jax.Array


class StepEngine(Protocol):
    """A way to sell what arrives in one step; a pytree."""

    def sell(self, offer: StepInput) -> tuple[BudgetState, Tally]:
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

    def sell(self, offer: StepInput) -> tuple[BudgetState, Tally]:
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
        return carry.budgets, carry.tick


@pytree("auction", "sampled")
class Impressions:
    """One impression in XLA; nobody bids more than it has left. Attributes as `Ticks`."""

    market: Market
    auction: Auction
    sampled: bool

    def sell(self, offer: StepInput) -> tuple[BudgetState, Tally]:
        """Sell the impression."""
        k, cap = offer.impression, offer.budgets.remaining
        carry = _play(self, offer, _carry(offer), k, 1, k, k + 1, cap)
        return carry.budgets, carry.tick


def _carry(offer: StepInput) -> Carry:
    advertisers = offer.budgets.remaining.shape[0]
    return Carry(offer.budgets, offer.opening, offer.states, no_tally(advertisers))


def _play(
    sale: Ticks | Impressions,
    offer: StepInput,
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
    return ThreadPoolExecutor(cores())


@pytree("many", "minimum_budget", "blocks")
class HostEngine:
    """A sale that leaves the compiled program: a tick of all parallel markets in one call a core.

    Attributes:
        market: what is sold, where bids are no factors; else None.
        many: sells a tick in some of M markets. It takes what is asked [M, 4N+3] (factors, money,
            who is there, quanta; tick, the halves of the seed), given bids [M, R, C] or None, a
            table of zeros [M, 11, N] to be filled with the rows of a `Tally`, the money and who is
            there, and the numbers of the first market and of the one after the last.
        minimum_budget: an advertiser with less money sits out the tick.
        blocks: of a tick's table of bids; 0 for factor bids.
    """

    market: Market | None
    many: Many
    minimum_budget: float
    blocks: int

    def sell(self, offer: StepInput) -> tuple[BudgetState, Tally]:
        """Sell the tick."""
        budgets, now = offer.budgets, offer.observation
        N = budgets.remaining.shape[0]
        high, low = jax.random.key_data(offer.key)
        bids = self._bids(offer)
        factor = jnp.ones(N)
        if bids is None:
            key = jax.random.fold_in(offer.key, now.tick)
            factor = offer.population.factor(offer.states, now, key)
            factor = jnp.where(offer.opening < self.minimum_budget, ABSENT, factor)
        # One array there and one back: each costs as much as a small market's whole tick.
        asked = jnp.concatenate(
            [
                *(factor, budgets.remaining, budgets.active.astype(jnp.float64), budgets.quantum),
                jnp.stack([x.astype(jnp.float64) for x in (offer.tick, high, low)]),
            ]
        )
        answer = jax.ShapeDtypeStruct((len(FIELDS) + 2, N), jnp.float64)
        rows = jax.pure_callback(self._sold, answer, asked, bids, vmap_method="broadcast_all")
        budgets = BudgetState(rows[-2], rows[-1] > 0, budgets.quantum)
        return budgets, Tally(*rows[:-2])

    def _bids(self, offer: StepInput) -> Array | None:
        """Bids that are no factors."""
        if self.market is None:
            return None
        return tick_bids(
            self.market,
            self.minimum_budget,
            offer.population,
            offer.states,
            offer.observation,
            offer.key,
            offer.tick,
            self.blocks,
        )

    def _sold(self, asked: Any, bids: Any) -> Floats:
        """One market, or any number of them in leading axes, dealt out to the cores."""
        leading = asked.shape[:-1]
        table = np.asarray(asked).reshape(-1, asked.shape[-1])
        given = None if bids is None else np.asarray(bids).reshape(-1, *bids.shape[-2:])
        markets, advertisers = len(table), (table.shape[-1] - 3) // 4
        answers = np.zeros((markets, len(FIELDS) + 2, advertisers))
        shares = min(cores(), markets)
        if shares == 1:
            self.many(table, given, answers, 0, markets)
        else:
            cuts = [markets * share // shares for share in range(shares + 1)]
            deal = partial(self.many, table, given, answers)
            list(_threads().map(deal, cuts, cuts[1:]))
        return answers.reshape(*leading, *answers.shape[1:])


def host_ticks(market: Market, auction: Ranked, sampled: bool, by_factor: bool) -> HostEngine:
    """Sell ticks in a ranked auction on the fused kernel, to bidders that do not watch."""
    lots = market_lots(market)
    grid = {"bid_step": market.bid_step, "bid_cap": market.bid_cap}
    terms = fused.terms_of(auction, lots, given=not by_factor, **grid)
    start = np.asarray(market.tick_start)
    many = Held(fused.settle_ticks, lots, start, terms, sampled)
    if by_factor:
        return HostEngine(None, many, auction.minimum_budget, 0)
    offered = replace(market, market_price=None, outcomes=None)
    return HostEngine(offered, many, auction.minimum_budget, most_blocks(market))


def logged_ticks(log: TrainingLog, tick_start: Int[Array, " T+1"]) -> HostEngine:
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
    step, cap = values.dtype.type(log.bid_step), values.dtype.type(log.bid_cap)
    sold = Sold(values, prices, even_bids(log), exposure, log.rule, step, cap)
    return HostEngine(None, Held(_buy_each, sold, start), 0.0, 0)


class Sold(NamedTuple):
    """A log as the compiled loop takes it; see `TrainingLog`."""

    values: Any
    prices: Any
    evens: Any
    exposure: Any
    rule: Any
    step: Any
    cap: Any


def _buy_each(
    sold: Sold, start: Any, asked: Floats, bids: None, answers: Floats, first: int, last: int
) -> None:
    """A tick in each of the markets first … last - 1, as `HostEngine.many`."""
    _buy_ticks(first, last, read_only(asked), sold, start, answers)


@compiled
def _buy_ticks(first, last, asked, sold, tick_start, answers):
    """A tick in each of the markets first … last - 1; arguments as of `HostEngine.many`."""
    N = answers.shape[2]
    for market in range(first, last):
        row, answer = asked[market], answers[market]
        quantum, tick = row[3 * N : 4 * N], int(row[4 * N])
        start, stop = tick_start[tick], tick_start[tick + 1]
        factor = row[:N].astype(sold.values.dtype)
        remaining = answer[len(FIELDS)]
        remaining[:] = row[N : 2 * N]
        _buy(start, stop, sold, factor, remaining, quantum, answer)
        for i in range(N):
            answer[len(FIELDS) + 1, i] = row[2 * N + i] > 0 and remaining[i] > 0


@compiled
def _buy(start, stop, sold, factor, remaining, quantum, sums):
    values, prices, evens, exposure, rule, step, cap = sold
    own_prices = prices.shape[1] > 1
    for k in range(start, stop):
        for i in range(values.shape[1]):
            value = values[k, i]
            if not (value > 0 and factor[i] > -np.inf):
                continue
            bid = on_grid(factor[i] * value, step, cap)
            column = i if own_prices else 0
            sums[0, i] += 1
            sums[1, i] += bid
            sums[2, i] += value
            lowest = prices[k, column, exposure.shape[0] - 1]
            sums[3, i] += lowest if np.isfinite(lowest) else rule.reserve
            even = evens[k, column] if evens.size > 0 else 0.0
            s, win, paid = purchase(
                bid, prices[k, column], even, exposure, rule, remaining[i], quantum[i]
            )
            if s >= 0:
                shown = win * exposure[s]
                remaining[i] -= paid
                sums[4, i] += win
                sums[5, i] += shown
                sums[6, i] += paid
                sums[7, i] += value * shown
                sums[8, i] += value * shown
