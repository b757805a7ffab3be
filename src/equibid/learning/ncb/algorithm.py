"""The predictor of equilibrium factors, trained like any other algorithm.

A step is a round: the predictor of the moment plays periods of the market, the equilibria of what
it left at some ticks are solved for, and the network learns from all that is kept.

    step: D periods played with tilted factors, targets solved on the host
          num_updates × Adam on Σ w · (f(F_1:t) - log(α*(t) / αref))² / Σ w

The equilibria are those of soft auctions at a low temperature, which are second-price auctions of
one slot, so it bids in these alone. Source: Nash-equilibrium constrained bidding at scale (arXiv
2503.10304), the practical predictor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from equibid.auctions.clearing import Auction
from equibid.auctions.ranked import Ranked
from equibid.auctions.soft import Soft
from equibid.bidders.bidder import Bidder
from equibid.envs.problem import Task
from equibid.equilibrium.game import default_temperature, game_of
from equibid.errors import UnsuitableError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.ncb.config import NcbConfig
from equibid.learning.ncb.data import Day
from equibid.learning.ncb.training import Training, blank, learn, policy, refresh
from equibid.markets.market import Market


@dataclass(frozen=True)
class NcbPredictor(NcbConfig):
    """The predictor of equilibrium factors with its settings."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 3
    on_host: ClassVar[bool] = True

    @property
    def observer(self) -> str:
        """The game's; it looks at features of its own."""
        return "pace"

    def prepared(self, task: Task, auction: Auction, markets: Sequence[Market]) -> Task:
        """The task with the markets that it solves.

        Raises:
            UnsuitableError: their auction is not one whose equilibria it knows.
        """
        refuse_others(auction)
        return replace(task, auction=auction, markets=tuple(markets))

    def init(self, task: Task, key: jax.Array) -> Training:
        """A network that answers the factor of the day before, and no data."""
        ticks, advertisers = task.game.ticks, task.game.agents
        return blank(ticks, advertisers, self.rounds * self.num_envs, self, key)

    def step(self, task: Task, state: Training) -> tuple[Training, dict[str, Array]]:
        """A round of gathering data and learning from all of it."""
        days = self._days(task, int(state.filled))
        state = refresh(state, days, self)
        state, losses = learn(state, self)
        return state, {"loss": losses[-1], "loss/first": losses[0]}

    def policy(self, task: Task, state: Training) -> Bidder:
        """What the network answers, from the factor of the log."""
        cap = jnp.asarray(task.game.campaigns.target_cpa)
        return policy(state, task.reference, cap, task.game.ticks)

    def _days(self, task: Task, first: int) -> list[Day]:
        """The next periods of the market, as games."""
        rule = task.auction
        if not isinstance(rule, Soft):
            rule = Soft(default_temperature(task.markets[0]))
        turn = [
            task.markets[(first + number) % len(task.markets)] for number in range(self.num_envs)
        ]
        return [Day(game_of(market, rule), task.reference) for market in turn]


ALGORITHMS.add("ncb-predictor", "A transformer that predicts equilibrium factors tick by tick.")(
    NcbPredictor
)


def refuse_others(auction: Auction) -> None:
    """Refuse rules whose equilibria are not those of soft auctions.

    Raises:
        UnsuitableError: it is one.
    """
    ranked = isinstance(auction, Ranked) and auction.pricing == "next" and auction.slots == 1
    if not (ranked or isinstance(auction, Soft)):
        raise UnsuitableError(
            "ncb-predictor knows equilibria of auctions of one slot at the second price; "
            "name --auction second-price, soft or soft-hard"
        )
