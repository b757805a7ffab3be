"""A market as a partially observed Markov game.

    state = game.reset(key, period)
    while not done:
        seen = game.look(state)                       # [N, F], what each agent sees of its own
        state, result = game.step(state, factor)      # factor: [N], currency per value unit

Agents are advertisers. A step is a tick, in which an agent bids its factor times the value of every
impression (``play="tick"``), or one impression, on which it bids at most the money it has left
(``play="impression"``). Money only falls; who has none is absent from then on. An episode is one
delivery period of the market. Agents see their own history and nothing of the others'.

`reset`, `observe` and `step` are pure: `jax.vmap` over states plays many markets at once,
`lax.scan` plays a period. A period played with the factors of `simulate` gives the sums of
`simulate`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from equibid.auctions import fused
from equibid.auctions.budgets import BudgetState, init_budgets
from equibid.auctions.clearing import Auction
from equibid.auctions.tally import Tally, no_tally
from equibid.bidders.bidder import Arriving, Bidder, FactorBidder, Observation, State, pytree
from equibid.bidders.population import Population
from equibid.bidders.training import TrainingLog
from equibid.envs.forked import refuse_fork
from equibid.envs.observers import Observer, ObserverState, observer_named
from equibid.envs.outcome import Outcome, Reward
from equibid.envs.step_engines import (
    Impressions,
    StepEngine,
    StepInput,
    Ticks,
    host_ticks,
    logged_ticks,
)
from equibid.errors import InputError
from equibid.markets.market import (
    Campaigns,
    Market,
    even_ticks,
    in_all,
    joined,
    limited,
    usual_rest,
    worth,
)
from equibid.simulation.blocks import arrival, arrivals, present
from equibid.simulation.features import Reference
from equibid.simulation.simulate import NO_KERNEL, Engine, Play


@pytree()
class ByFactor(FactorBidder):
    """The agents' own seat: its state is their action, a factor each."""

    def factor(self, state: State, observation: Observation, key: jax.Array) -> Float[Array, " N"]:
        """The action."""
        return state


class GameState(NamedTuple):
    """Where a market stands.

    Attributes:
        period: which of the game's periods is played.
        step: steps that have been played.
        key: key data of the period's chance.
        budgets: the money.
        opening: money at the start of the tick, currency.
        last_factor: what each agent bid last, currency per value unit.
        tick: sums of the tick so far.
        so_far: sums of the period so far.
        memory: of the observer.
        seat: 0 for an agent that learns, else the number of the opponent that drives it.
        opponents: states of the bidders that do not learn.
    """

    period: Int[Array, ""]
    step: Int[Array, ""]
    key: UInt32[Array, " 2"]
    budgets: BudgetState
    opening: Float[Array, " N"]
    last_factor: Float[Array, " N"]
    tick: Tally
    so_far: Tally
    memory: ObserverState
    seat: Int[Array, " N"]
    opponents: tuple[State, ...]


class Result(NamedTuple):
    """What a step gave.

    Attributes:
        reward: of every agent, in the reward's unit.
        tally: sums of the step.
        present: agents that still have money, after the step.
        done: whether the period has ended.
    """

    reward: Float[Array, " N"]
    tally: Tally
    present: Bool[Array, " N"]
    done: Bool[Array, ""]


@pytree(
    *("reward", "periods", "ticks", "steps"),
    *("opponent_prob", "minimum_budget", "by_impression"),
)
class MarkovGame:
    """Periods of a market, who bids in it, what they see and what it is worth to them.

    Attributes:
        sale: how a step is sold.
        campaigns: of one period.
        worth: about what a period's impressions are worth, currency; see `init_budgets`.
        tick_start: of all periods in a row.
        start_factor: what each agent is taken to have bid before the start, currency per value
            unit.
        observer: what agents see.
        population: seat 0 is the agents' own, the others are bidders that do not learn.
        arriving: what arrives in each tick, where the observer foresees; else None.
        expected: as in `Market`.
        reward: from an `Outcome` to a number an agent.
        periods: D.
        ticks: T of a period.
        steps: of a period: T, or its impressions.
        opponent_prob: the chance that an agent of seat 0 is driven by an opponent for a period.
        minimum_budget: an advertiser with less money sits out the tick, currency.
        by_impression: whether a step is one impression.
    """

    sale: StepEngine
    campaigns: Campaigns
    worth: Float[Array, ""]
    tick_start: Int[Array, " D*T+1"]
    start_factor: Float[Array, " N"]
    observer: Observer
    population: Population
    arriving: Arriving | None
    expected: Int[Array, " T+1"] | None
    reward: Reward
    periods: int
    ticks: int
    steps: int
    opponent_prob: float
    minimum_budget: float
    by_impression: bool

    @property
    def agents(self) -> int:
        """N, learning or not."""
        return self.campaigns.count

    @property
    def learns(self) -> Bool[Array, " N"]:
        """Agents that may learn; in a period, those whose state has seat 0 do."""
        return self.population.seat == 0

    @property
    def features(self) -> int:
        """F."""
        return len(self.observer.names)

    def __deepcopy__(self, memo: dict[int, Any]) -> "MarkovGame":
        """Itself: nothing in it ever changes."""
        return self

    def reset(
        self,
        key: jax.Array,
        period: Int[Array, ""] | int = 0,
        seat: Int[Array, " N"] | None = None,
    ) -> GameState:
        """The start of a period.

        Args:
            key: decides exposures, conversions and the opponents' own chance.
            period: which one.
            seat: who drives whom in it; default as `opponent_prob` has it.
        """
        budgets = init_budgets(self.campaigns.budget, self.worth)
        nothing = no_tally(self.agents)
        return GameState(
            period=jnp.asarray(period, jnp.int32),
            step=jnp.asarray(0, jnp.int32),
            key=jax.random.key_data(key),
            budgets=budgets,
            opening=budgets.remaining,
            last_factor=self.start_factor,
            tick=nothing,
            so_far=nothing,
            memory=self.observer.init(self.campaigns),
            seat=self._seats(key) if seat is None else seat,
            opponents=tuple(bidder.init(self.campaigns) for bidder in self.population.bidders[1:]),
        )

    def _seats(self, key: jax.Array) -> Int[Array, " N"]:
        """Who drives whom in a period."""
        seat = self.population.seat
        opponents = len(self.population.bidders) - 1
        if not self.opponent_prob or not opponents:
            return seat
        chance, which = jax.random.split(jax.random.fold_in(key, self.steps))
        driven = jax.random.uniform(chance, seat.shape) < self.opponent_prob
        opponent = jax.random.randint(which, seat.shape, 1, opponents + 1, seat.dtype)
        return jnp.where((seat == 0) & driven, opponent, seat)

    def present(self, state: GameState) -> Bool[Array, " N"]:
        """Agents that have money to bid with."""
        budgets = state.budgets
        return present(budgets.active, budgets.remaining, self.minimum_budget)

    def acts(self, state: GameState) -> Bool[Array, " N"]:
        """Agents whose next action is bid: with money, driven by no opponent, and in a step.

        Nobody acts after the last step.
        """
        return self.present(state) & (state.seat == 0) & (state.step < self.steps)

    def observe(self, state: GameState) -> Float[Array, "N F"]:
        """What each agent sees, float32."""
        now = replace(self.observation(state), driven=state.seat == 0)
        return self.observer.observe(state.memory, now)

    def observation(self, state: GameState) -> Observation:
        """What a bidder of all seats would be told at this moment."""
        tick, k, first = self._place(state)
        arriving = None
        if self.observer.needs_forecast or self.population.needs_forecast:
            if self.by_impression:
                assert isinstance(self.sale, Impressions)
                arriving = arrival(self.sale.market, k)
            elif self.arriving is not None:
                arriving = Arriving(*(x[tick] for x in self.arriving))
        # After the last step of all there is no such tick in the market, but one in the period.
        now = tick - state.period * self.ticks if self.by_impression else state.step
        # As wide as `simulate` counts: a quotient of narrow integers is a narrow number.
        mean = (self.tick_start[-1] // self.periods).astype(jnp.int64)
        return Observation(
            tick=now,
            ticks=jnp.asarray(self.ticks),
            impression=k - first,
            impressions=in_all(self.expected, mean, now, self.tick_start[tick] - first, k - first),
            remaining=state.budgets.remaining,
            arriving=arriving,
            present=self.present(state),
        )

    def _place(self, state: GameState) -> tuple[Array, Array, Array]:
        """Tick and impression in the whole market, and the period's first impression."""
        first = self.tick_start[state.period * self.ticks]
        if self.by_impression:
            k = jnp.minimum(first + state.step, self.tick_start[-1] - 1)
            return jnp.searchsorted(self.tick_start, k, side="right") - 1, k, first
        tick = jnp.minimum(state.period * self.ticks + state.step, len(self.tick_start) - 2)
        return tick, self.tick_start[tick], first

    def step(self, state: GameState, action: Any) -> tuple[GameState, Result]:
        """Sell the step's impressions.

        Args:
            state: before.
            action: factors [N], currency per value unit, ``-inf`` to sit out; or whatever the
                bidder on seat 0 takes as its state.
        """
        tick, k, _ = self._place(state)
        key = jax.random.wrap_key_data(state.key)
        offer = StepInput(
            tick=tick,
            impression=k,
            population=Population(self.population.bidders, state.seat),
            states=(action, *state.opponents),
            observation=self.observation(state),
            budgets=state.budgets,
            opening=state.opening,
            key=key,
        )
        budgets, tally = self.sale.sell(offer)
        played = state.step + 1
        done = played >= self.steps
        now = state._replace(
            step=played,
            budgets=budgets,
            tick=state.tick + tally,
            so_far=state.so_far + tally,
        )
        if self.by_impression:
            ends = (self.tick_start[tick + 1] == k + 1) | done
            now = jax.tree.map(lambda new, old: jnp.where(ends, new, old), self._close(now), now)
        else:
            now = self._close(now)
        outcome = Outcome(
            tally=tally,
            so_far=now.so_far,
            before=state.budgets.remaining,
            after=budgets.remaining,
            budget=self.campaigns.budget,
            target_cpa=self.campaigns.target_cpa,
            progress=played / self.steps,
            ends=done,
        )
        return now, Result(self.reward(outcome), tally, self.present(now), done)

    def _close(self, state: GameState) -> GameState:
        """The end of a tick: tell everybody, and open the next."""
        told = state.tick
        bid = told.value_offered > 0
        factor = told.bid / jnp.where(bid, told.value_offered, 1)
        seated = Population(self.population.bidders, state.seat)
        others = enumerate(zip(seated.bidders[1:], state.opponents, strict=True), start=1)
        return state._replace(
            opening=state.budgets.remaining,
            last_factor=jnp.where(bid, factor, state.last_factor),
            tick=no_tally(self.agents),
            memory=self.observer.update(state.memory, told),
            opponents=tuple(
                bidder.update(own, seated.told(index, told)) for index, (bidder, own) in others
            ),
        )


def markov_game(
    periods: Sequence[Market],
    auction: Auction,
    reference: Reference,
    reward: Reward,
    *,
    observer: str = "pace+traits",
    play: Play = "tick",
    sampled: bool = True,
    engine: Engine = "auto",
    agent: Bidder | None = None,
    opponents: Sequence[Bidder] = (),
    opponent_prob: float = 0.0,
    seat: Int[Array, " N"] | None = None,
) -> MarkovGame:
    """The game of a market.

    Args:
        periods: delivery periods, of the same advertisers and as many ticks; of as many
            impressions, too, where every impression is a step.
        auction: the rule.
        reference: the day before.
        reward: what a step is worth.
        observer: name of what agents see, or several joined by ``+``.
        play: how often agents are asked.
        sampled: draw exposures, winners and conversions; False books their expectations.
        engine: of tick play, as in `simulate`.
        agent: turns an action into bids; default, the action is a factor.
        opponents: bidders that do not learn.
        opponent_prob: the chance that an agent of seat 0 is driven by an opponent, any of them,
            drawn anew for each period.
        seat: 0 where an agent learns, 1 … where it is driven by that opponent; default all learn.

    Raises:
        InputError: periods differ in what they must share, or the engine does not apply.
    """
    refuse_fork()
    market = joined([limited(one) for one in periods])
    sizes = {one.impressions for one in periods}
    if len({one.ticks for one in periods}) != 1 or (play == "impression" and len(sizes) != 1):
        raise InputError(
            f"market {market.labels.name}: periods of a game have as many ticks each, and as many "
            "impressions where every impression is a step; cut the log evenly"
        )
    bidders = (agent or ByFactor(), *opponents)
    seats = jnp.zeros(market.advertisers, jnp.int32) if seat is None else jnp.asarray(seat)
    population = Population(bidders, seats)
    if population.needs_impressions:
        raise InputError("an opponent that watches every impression cannot be played in a game")
    budget = market.campaigns
    own = observer_named(observer, budget, reference)
    if engine == "fused" and not (fused.supports(auction) and play == "tick"):
        raise InputError(NO_KERNEL)
    wanted = engine == "fused" or (engine == "auto" and jax.default_backend() == "cpu")
    sale: StepEngine
    if play == "impression":
        sale = Impressions(market, auction, sampled)
    elif wanted and fused.supports(auction):
        sale = host_ticks(market, auction, sampled, population.by_factor)
    else:
        sale = Ticks(market, auction, sampled)
    needs_forecast = (own.needs_forecast or population.needs_forecast) and play == "tick"
    return MarkovGame(
        sale=sale,
        campaigns=market.campaigns,
        worth=worth(periods[0]),
        tick_start=market.tick_start,
        start_factor=jnp.asarray(reference.factor, jnp.float64),
        observer=own,
        population=population,
        arriving=jax.jit(arrivals)(market) if needs_forecast else None,
        expected=market.expected,
        reward=reward,
        periods=len(periods),
        ticks=periods[0].ticks,
        steps=periods[0].impressions if play == "impression" else periods[0].ticks,
        opponent_prob=opponent_prob,
        minimum_budget=auction.minimum_budget,
        by_impression=play == "impression",
    )


def logged_game(
    log: TrainingLog,
    reference: Reference,
    reward: Reward,
    *,
    observer: str = "pace+traits",
) -> MarkovGame:
    """The game of a training log: each advertiser buys at logged prices that nobody moves.

    Raises:
        InputError: the observer foresees what arrives; a log is played without that.
    """
    refuse_fork()
    own = observer_named(observer, log.campaigns, reference)
    if own.needs_forecast:
        raise InputError(f"observer {observer}: a log is played without foresight; name another")
    T, campaigns = log.ticks, log.campaigns
    periods = int(log.periods)
    if log.tick_start is not None:
        start = jnp.asarray(log.tick_start)
    elif periods > 0:
        start = jnp.arange(T * periods + 1) * log.period // T
    else:
        # A part of a period, with that part of the money.
        start, periods = even_ticks(len(log.values), T), 1
        campaigns = replace(campaigns, budget=jnp.asarray(campaigns.budget) * log.periods)
    N = campaigns.count
    return MarkovGame(
        sale=logged_ticks(log, start),
        campaigns=campaigns,
        worth=jnp.asarray(log.history.cost),
        tick_start=start,
        start_factor=jnp.asarray(reference.factor, jnp.float64),
        observer=own,
        population=Population((ByFactor(),), jnp.zeros(N, jnp.int32)),
        arriving=None,
        expected=None if log.tick_start is None else usual_rest(log.tick_start, T),
        reward=reward,
        periods=periods,
        ticks=T,
        steps=T,
        opponent_prob=0.0,
        minimum_budget=0.0,
        by_impression=False,
    )
