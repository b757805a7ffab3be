"""BPG: one policy for all, best for the market among those that nobody gains by leaving.

    max_θ Σ_i G_i(θ)   where   max_π G_i(π; θ) - G_i(θ) ≤ ε Σ_j G_j(θ) for every advertiser i

    step: E periods three times with the same chance: all bid as θ; i bids as ν; i bids as x
          x climbs its own return: one network that answers for every advertiser
          gain_i = G_i(x; θ) - G_i(θ),  λ_i by what it is beyond ε
          θ and ν follow the losses of `equibid.learning.algorithms.bpg.losses`
          i is drawn by λ, so that a step costs the same for any number of advertisers

Source: Mou et al., "Nash equilibrium constrained auto-bidding with bi-level reinforcement
learning", arXiv 2503.10304 version 1, algorithm 1.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from equibid.auctions.clearing import Auction
from equibid.bidders.bidder import Bidder
from equibid.envs.game import GameState
from equibid.envs.problem import Task
from equibid.errors import UnsuitableError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.bpg.config import BpgConfig
from equibid.learning.algorithms.bpg.duals import Duals, deviators, moved, no_duals
from equibid.learning.algorithms.bpg.learner import Learner, credited, init_learner, rates
from equibid.learning.algorithms.bpg.losses import Prices, weights
from equibid.learning.climbing import Played, Side, advantages, climbed, of_one
from equibid.learning.losses.actor_critic import Experience, Steering, experience, followed, summary
from equibid.learning.losses.targets import returns
from equibid.learning.networks.communication import CommActor
from equibid.learning.policy import Learned
from equibid.learning.training.rollout import Episodes, drawn_periods, play_periods
from equibid.markets.market import Market

# A factor changes by at most this many strides in a step, where an action moves the last one.
LARGEST = 5.0
# The least that ξ is of the sum of the prices, so that ν gets better by its own gradient.
UPHILL = 2.0


class BpgState(NamedTuple):
    """A run.

    Attributes:
        learner: the policies.
        duals: gains, and their prices.
        worth: a period's usual return to each advertiser; 0 without a baseline.
        key: key data.
    """

    learner: Learner
    duals: Duals
    worth: Float[Array, " N"]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Bpg(BpgConfig):
    """Bi-level policy gradient with its settings."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 300
    # All bid as one policy, and the prices bring the last one to ε, not the one of most value.
    opponent_prob: ClassVar[float] = 0.0
    eval_metric: ClassVar[str] = "value"
    keeps_last: ClassVar[bool] = True

    def prepared(self, task: Task, auction: Auction, markets: tuple[Market, ...]) -> Task:
        """The task as it is.

        Raises:
            UnsuitableError: some of its advertisers are driven by others.
        """
        if task.game.opponent_prob:
            raise UnsuitableError(
                "bpg looks for an equilibrium of all advertisers; write --opponent-prob 0"
            )
        return task

    def init(self, task: Task, key: jax.Array) -> BpgState:
        """Untrained networks, and no gain known."""
        one, rest = jax.random.split(key)
        worth = jnp.full(task.game.agents, float(self.critic_baseline == "money"), jnp.float32)
        duals = no_duals(task.game.agents)
        return BpgState(init_learner(self, task, one), duals, worth, jax.random.key_data(rest))

    def step(self, task: Task, state: BpgState) -> tuple[BpgState, dict[str, Array]]:
        """Play, price what can be gained, and learn."""
        key, choosing, playing = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        learner, price = state.learner, state.duals.price
        deviator, probability = deviators(choosing, price, self.exploration, self.num_envs)
        episodes = self._play(task, learner, deviator, playing)
        every = experience(task, episodes, jnp.arange(task.game.agents))
        alike, seen = jax.tree.map(lambda x: x[: self.num_envs], (episodes, every))
        everyone, rivals, *deviating = self._parts(state.worth, episodes, every, deviator)

        share = (task.best / task.best.sum()).astype(jnp.float32)
        size = share[deviator][:, None, None]
        own, of_everyone = advantages(self, learner.everyone.critic, everyone)
        by_optimiser, of_optimiser = advantages(self, learner.optimiser.critic, deviating[0])
        by_response, of_response = advantages(self, learner.response.critic, deviating[1])
        own, by_optimiser, by_response = own * share, by_optimiser * size, by_response * size

        duals = moved(
            self,
            state.duals,
            everyone.reward.sum(axis=1) * share,
            deviator,
            (deviating[1].reward * size).sum(axis=(1, 2)),
        )
        total = duals.price.sum()
        wanted = jnp.maximum(self.competitive_weight, UPHILL * total)
        competitive = wanted if self.unified_optimiser else total
        of = weights(
            self._aim(task, own, alike, everyone),
            own,
            jnp.stack([by_optimiser, by_response]),
            deviator,
            Prices(duals.price, probability, competitive),
        )
        alone, contribution = credited(self, learner.contribution, everyone, of.all_bid)
        theta, nu, x = rates(self)
        both = jnp.reshape(of.others, (-1, *of.others.shape[2:]))
        learner = Learner(
            contribution,
            climbed(
                self,
                learner.everyone._replace(critic=of_everyone),
                theta,
                [(everyone, alone), (rivals, both)],
                self.num_epochs,
            ),
            climbed(
                self,
                learner.optimiser._replace(critic=of_optimiser),
                nu,
                [(deviating[0], of.optimiser)],
                self.num_epochs,
            ),
            climbed(
                self,
                learner.response._replace(critic=of_response),
                x,
                [(deviating[1], by_response)],
                self.response_epochs,
            ),
        )
        worth = followed(state.worth, seen) if self.critic_baseline == "money" else state.worth
        metrics = summary(task, alike, seen) | {
            "gain": duals.gain.max(),
            "prices": total,
            "beyond": (duals.gain > self.epsilon).mean(),
            "std/policy": jnp.exp(learner.everyone.policy.log_std).mean(),
            "std/optimiser": jnp.exp(learner.optimiser.policy.log_std).mean(),
            "std/response": jnp.exp(learner.response.policy.log_std).mean(),
            "revenue": alike.tally.spend.sum(axis=(1, 2)).mean(),
        }
        return BpgState(learner, duals, worth, jax.random.key_data(key)), metrics

    def policy(self, task: Task, state: BpgState) -> Bidder:
        """The mean of the policy that all bid as: no chance, and each from what it sees."""
        return self._bidder(task, state.learner.everyone)

    def response(self, task: Task, state: BpgState) -> Bidder:
        """The mean of the unified best response to it."""
        return self._bidder(task, state.learner.response)

    def _bidder(self, task: Task, side: Side) -> Bidder:
        steering, game = self._steering(), task.game
        network = CommActor(side.policy.actor, jnp.arange(game.agents), steering.scale)
        return Learned(network, game.observer, game.start_factor, steering.rule, steering.follows)

    def _steering(self) -> Steering:
        return Steering(self.head, self.action_scale, LARGEST)

    def _play(
        self, task: Task, learner: Learner, deviator: Int[Array, " E"], key: jax.Array
    ) -> Episodes:
        """The same E periods, chance and noise three times, [3 E, …]: θ alone, with ν, with x."""
        which, chance, own = jax.random.split(key, 3)
        E, teams = len(deviator), jnp.arange(task.game.agents)
        period = drawn_periods(task.game, which, E)
        away = (deviator[:, None] == teams)[..., None]

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            alike, *parts = jnp.reshape(seen, (3, E, *seen.shape[1:]))
            theta = learner.everyone.policy
            actions = [theta.draw(key, alike, teams)]
            for part, side in zip(parts, (learner.optimiser, learner.response), strict=True):
                mine, others = (x.draw(key, part, teams) for x in (side.policy, theta))
                actions.append(jnp.where(away, mine, others))
            action = jnp.concatenate(actions)
            return action, self._steering().factor(action, state, task.game)

        chances = jnp.concatenate([jax.random.split(chance, E)] * 3)
        return play_periods(task.game, act, chances, jnp.tile(period, 3), own)

    def _parts(
        self,
        worth: Float[Array, " N"],
        episodes: Episodes,
        seen: Experience,
        deviator: Int[Array, " E"],
    ) -> list[Played]:
        """All as θ; all where one deviates; and that one, as ν and as x."""
        E = len(deviator)
        played = Played(
            episodes.observation,
            episodes.present,
            episodes.action,
            seen.reward,
            (worth * seen.credit).astype(jnp.float32),
        )

        def cut(first: int, last: int) -> Played:
            return jax.tree.map(lambda x: x[first * E : last * E], played)

        alone = [
            jax.tree.map(lambda x: of_one(x, deviator), cut(part, part + 1)) for part in (1, 2)
        ]
        return [cut(0, 1), cut(1, 3), *alone]

    def _aim(
        self, task: Task, own: Float[Array, "E T N"], alike: Episodes, played: Played
    ) -> Float[Array, "E T 1"]:
        """Returns to go of the market's aim less their baseline, in shares of the usual welfare."""
        aim = self.welfare_weight * own.sum(axis=-1)
        if self.revenue_weight:
            spend = returns(alike.tally.spend, self.gamma)
            usual = task.game.campaigns.budget * played.credit[:, :-1]
            aim += self.revenue_weight * (spend - usual).sum(axis=-1) / task.best.sum()
        return aim[..., None].astype(jnp.float32)


ALGORITHMS.add("bpg", "Best for the market among policies that nobody gains by leaving.")(Bpg)
ALGORITHMS.add("bpg-zero", "BPG without the unified optimiser, as its authors compare it.")(
    partial(Bpg, unified_optimiser=False)
)
ALGORITHMS.add("bpg-cooperative", "BPG that asks for no equilibrium: the welfare of all alone.")(
    partial(Bpg, dual_gain=0.0)
)
