"""DRLB: a Q-network regulates λ by percents, and is paid with the best return a step ever led to.

A campaign bids ``v / λ`` and multiplies λ by ``1 + β``, β from a short list, at every tick. A step
is not paid with the value it won, which more money spent now always raises, but with

    r(s, a) = max of the return of all episodes that took a in s

as a network (RewardNet) fits it: an aim for the whole period. Double Q-learning with priorities
maximises the sum of it over a period. Exploration is of ε; where the values of the ordered actions
have more than one peak they are wrong, and more is tried.

All advertisers are campaigns of one network. Returns are shares of R*, what the day before's best
factor buys, and r counts 1/T, so that values are near one.

Source: Wu et al., "Budget constrained bidding by model-free reinforcement learning in display
advertising", CIKM 2018 (arXiv 1802.08365). `docs/bidders/drlb.md` lists departures.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Int32, UInt32

from equibid.bidders.bidder import Bidder, pytree
from equibid.envs.game import GameState
from equibid.envs.heads import WIDEST
from equibid.envs.problem import EnvMode, Task
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.drlb.returns import (
    Returns,
    best_return,
    credit,
    keys_of,
    returns_table,
)
from equibid.learning.config import (
    Count,
    NotNegative,
    ObservedConfig,
    Positive,
    ReplayConfig,
    Share,
    Sizes,
)
from equibid.learning.losses.deep_q import Steps, double_q_loss, epsilon, explored, q_values
from equibid.learning.losses.targets import polyak, ranked_unimodal
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.policy import Learned
from equibid.learning.replay.buffer import (
    Replay,
    add,
    following,
    gather,
    replay,
    reprioritise,
    sample,
    uniform,
)
from equibid.learning.training.rollout import Episodes, play
from equibid.settings import Within

SEVEN = (-0.08, -0.03, -0.01, 0.0, 0.01, 0.03, 0.08)
ELEVEN = (-0.5, -0.15, -0.08, -0.03, -0.01, 0.0, 0.01, 0.03, 0.08, 0.15, 0.5)


@pytree("rates")
class Regulation:
    """``λ · (1 + β)``, so the factor ``1 / λ`` over ``1 + β``, of the action of highest value.

    Attributes:
        rates: β of each action, ascending.
    """

    rates: tuple[float, ...] = SEVEN

    def __call__(
        self,
        action: Float[Array, "... N A"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The last factor, regulated; within `WIDEST` of the start."""
        return self.regulated(jnp.argmax(action, axis=-1), last_factor, start)

    def regulated(
        self,
        chosen: Int[Array, "... N"],
        last_factor: Float[Array, "... N"],
        start: Float[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The factor after actions known by their number."""
        moved = last_factor / (1 + jnp.asarray(self.rates)[chosen])
        return jnp.clip(moved, start / WIDEST, start * WIDEST)


class Transition(NamedTuple):
    """What is kept of a campaign's episode.

    Attributes:
        seen: before each step and after the last.
        chosen: number of the action.
        key: of the step in the dictionary.
        own: return of the episode, share of R*.
        direct: value of the step over R*.
        present: it had money before the step and learns.
        goes_on: it has money after the step, and the period goes on.
        rest: what is paid after the step where it does not go on, share of R*.
    """

    seen: Float[Array, "*M T+1 F"]
    chosen: Int32[Array, "*M T"]
    key: UInt32[Array, "*M T"]
    own: Float[Array, "*M T"]
    direct: Float[Array, "*M T"]
    present: Bool[Array, "*M T"]
    goes_on: Bool[Array, "*M T"]
    rest: Float[Array, "*M T"]


class DrlbState(NamedTuple):
    """A run.

    Attributes:
        q: values of the actions.
        target: a copy of it as of some updates ago.
        wish: RewardNet, r of the actions.
        q_memory: of the optimiser.
        wish_memory: of the optimiser.
        replay: of campaigns' episodes.
        table: the dictionary M.
        iteration: steps of the trainer so far.
        updates: of Q so far.
        key: key data.
    """

    q: MLP
    target: MLP
    wish: MLP
    q_memory: optax.OptState
    wish_memory: optax.OptState
    replay: Replay
    table: Returns
    iteration: Int32[Array, ""]
    updates: Int32[Array, ""]
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Drlb(ReplayConfig, ObservedConfig):
    """Settings of DRLB."""

    steps: ClassVar[int] = 150
    agent: ClassVar[Bidder | None] = None
    observer: str = "drlb+traits"
    env_mode: EnvMode = "log"
    num_envs: Count = 4
    action_values: tuple[float, ...] = SEVEN
    """β, the shares by which λ may change in a tick, ascending from above -1."""
    step_reward: Literal["best", "quantile", "direct"] = "best"
    """What a step is paid with: the best return that followed a step like it ("best"), a high
    quantile of returns ("quantile"), or what it won ("direct")."""
    quantile: Annotated[float, Within(above=0, most=1)] = 0.9
    """Which quantile of returns, under step_reward=quantile."""
    init_ratio: Annotated[float, Within(least=1)] = 2.0
    """In training the first λ is off by up to this ratio, up or down."""
    hidden_sizes: Sizes = (100, 100, 100)
    """Widths of the hidden layers of both networks."""
    learning_rate: Positive = 1e-3
    """Learning rate of both networks."""
    num_updates: Count = 40
    reward_warmup: Annotated[int, Within(least=0)] = 5
    """Training steps, at first, in which RewardNet learns and Q does not."""
    batch_size: Count = 512
    """Steps of single campaigns in a batch."""
    buffer_size: Count = 400_000
    """Steps of single campaigns that the replay keeps, about."""
    tau: Share = 0.01
    """Share by which the target network moves towards Q when it moves; it is the policy."""
    target_update_every: Count = 1
    """Updates after which the target network moves."""
    epsilon: tuple[Share, Share] = (0.95, 0.05)
    """Share of random actions, at first and at last."""
    anneal_steps: Count = 100
    """Training steps in which the share of random actions goes from its first to its last value."""
    multimodal_epsilon: Share = 0.5
    """Least share of random actions where Q has more than one peak."""
    per_alpha: NotNegative = 0.6
    """Exponent of errors in the priorities of prioritised replay."""
    per_beta: Share = 0.4
    """Share of the bias of prioritised replay that weights take away."""
    table_size: Count = 2**20
    """Places in the dictionary of best returns."""
    return_window: Count = 50
    """Training steps after which a best return is dropped."""
    bin_width: Positive = 0.1
    """Width of the bins into which states are cut for the dictionary."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values = self.action_values
        wrong = len(values) < 2 or list(values) != sorted(set(values)) or values[0] <= -1
        self.refuse(wrong, "action_values must ascend, two at least, from above -1")
        self.refuse(self.quantile == 1, "quantile must be below 1")

    @property
    def rule(self) -> Regulation:
        """From values of actions to factors."""
        return Regulation(self.action_values)

    def init(self, task: Task, key: jax.Array) -> DrlbState:
        """Networks that know nothing, an empty replay and dictionary."""
        game = task.game
        F, T, A = game.features, game.steps, len(self.action_values)
        one, two, rest = jax.random.split(key, 3)
        q, wish = (mlp(k, [F, *self.hidden_sizes, A], last_scale=0.1) for k in (one, two))
        flat = [((T,), x) for x in ("int32", "uint32", "float32", "float32", "bool", "bool")]
        shapes = (((T + 1, F), "float32"), *flat, ((T,), "float32"))
        example = Transition(*(jnp.zeros(shape, dtype) for shape, dtype in shapes))
        kept = max(self.buffer_size // T, self.num_envs * game.agents)
        zero = jnp.zeros((), jnp.int32)
        return DrlbState(
            q,
            jax.tree.map(jnp.array, q),
            wish,
            optax.adam(self.learning_rate).init(cast(Any, q)),
            optax.adam(self.learning_rate).init(cast(Any, wish)),
            replay(example, kept, T),
            returns_table(self.table_size),
            zero,
            zero,
            jax.random.key_data(rest),
        )

    def step(self, task: Task, state: DrlbState) -> tuple[DrlbState, dict[str, Array]]:
        """Play, credit, learn."""
        key, first, playing, learning = jax.random.split(jax.random.wrap_key_data(state.key), 4)
        game, E = task.game, self.num_envs
        reach = jnp.log(self.init_ratio)
        start = jax.random.uniform(first, (E, game.agents), minval=-reach, maxval=reach)
        share = epsilon(state.iteration, *self.epsilon, self.anneal_steps)
        network = state.q

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            q = network(seen)
            tried = jnp.where(
                ranked_unimodal(q), share, jnp.maximum(share, self.multimodal_epsilon)
            )
            chosen, _ = explored(key, q, tried)
            opens = state.step[:, None] == 0
            last_factor = jnp.where(opens, state.last_factor * jnp.exp(start), state.last_factor)
            return chosen[..., None], self.rule.regulated(chosen, last_factor, game.start_factor)

        episodes = play(game, act, playing, E)
        memory = self._remember(task, episodes, start)
        table = credit(
            state.table,
            memory.key.reshape(-1),
            memory.own.reshape(-1),
            memory.present.reshape(-1),
            state.iteration,
            self.return_window,
        )
        state = state._replace(table=table, replay=add(state.replay, memory))
        state, losses = jax.lax.scan(
            self._update, state, jax.random.split(learning, self.num_updates)
        )
        learns = episodes.present[:, :1]
        agents = jnp.maximum(learns.sum(), 1)
        budget = jnp.where(game.campaigns.budget > 0, game.campaigns.budget, 1.0)
        q = state.q(episodes.observation[:, :-1])
        here = episodes.present[:, :-1]
        peaked = jnp.where(here, ranked_unimodal(q), False).sum() / jnp.maximum(here.sum(), 1)
        metrics = {
            "value": jnp.where(learns, episodes.tally.value, 0).sum() / E,
            "return": jnp.where(learns, episodes.reward / task.best, 0).sum() / agents,
            "spend": jnp.where(learns, episodes.tally.spend / budget, 0).sum() / agents,
            "epsilon": share,
            "unimodal": peaked,
        } | jax.tree.map(jnp.mean, losses)
        state = state._replace(iteration=state.iteration + 1, key=jax.random.key_data(key))
        return state, metrics

    def policy(self, task: Task, state: DrlbState) -> Bidder:
        """The action of highest value, each agent on what it sees."""
        return Learned(state.target, task.game.observer, task.game.start_factor, self.rule)

    def _remember(self, task: Task, episodes: Episodes, start: Array) -> Transition:
        """Every campaign's episodes, [E·N, T, …]."""
        seen = episodes.observation
        E, T, N = episodes.reward.shape
        direct = (episodes.reward / task.best).astype(jnp.float32)
        own = jnp.broadcast_to(direct.sum(axis=1, keepdims=True), direct.shape)
        tick = jnp.arange(T)[:, None]
        chosen = episodes.action[..., 0].astype(jnp.int32)
        which = jnp.arange(N), episodes.period[:, None, None], start[:, None]
        key = keys_of(*which, tick, seen[:, :-1], chosen, self.bin_width)
        present, goes_on = episodes.present[:, :-1], episodes.present[:, 1:]
        # An episode without money is paid its return until the end: nothing can change it.
        rest = jnp.where(goes_on, 0, (T - 1 - tick) / T * own).astype(jnp.float32)
        rows = Transition(seen, chosen, key, own, direct, present, goes_on, rest)
        return jax.tree.map(lambda x: jnp.moveaxis(x, 2, 1).reshape(E * N, *_without(x)), rows)

    def _update(self, state: DrlbState, key: jax.Array) -> tuple[DrlbState, dict[str, Array]]:
        """One step of RewardNet, one of Q."""
        one, two = jax.random.split(key)
        wish, wish_memory, loss = self._fit_wish(state, one)
        drawn = sample(state.replay, two, self.batch_size, self.per_beta)
        batch: Transition = gather(state.replay, drawn, state.replay.episodes)
        after = following(state.replay, drawn, state.replay.episodes.seen)
        T = state.replay.written.shape[1]
        if self.step_reward == "direct":
            reward = batch.direct
        else:
            reward = q_values(wish(batch.seen), batch.chosen) / T + batch.rest
        steps = Steps(
            batch.seen[:, None],
            batch.chosen[:, None],
            jax.lax.stop_gradient(reward)[:, None],
            batch.goes_on.astype(jnp.float32)[:, None],
            after[:, None],
            (drawn.weight * batch.present)[:, None],
        )
        (cost, error), slope = jax.value_and_grad(double_q_loss, has_aux=True)(
            state.q, state.target, steps
        )
        before = state.q, state.q_memory
        # A RewardNet that knows nothing pays nothing worth learning.
        ready = (state.iteration >= self.reward_warmup) | (self.step_reward == "direct")
        q, q_memory = jax.tree.map(
            lambda new, old: jnp.where(ready, new, old),
            moved(self.learning_rate, state.q, slope, state.q_memory),
            before,
        )
        updates = state.updates + 1
        copied = updates % self.target_update_every == 0
        error = jnp.where(batch.present, error[:, 0], 0)
        state = state._replace(
            q=q,
            target=polyak(state.target, q, jnp.where(copied, self.tau, 0.0)),
            wish=wish,
            q_memory=q_memory,
            wish_memory=wish_memory,
            replay=reprioritise(state.replay, drawn, error, self.per_alpha),
            updates=updates,
        )
        return state, {"wish/loss": loss, "q/loss": cost, "q/gradient": optax.tree.norm(slope)}

    def _fit_wish(self, state: DrlbState, key: jax.Array) -> tuple[MLP, optax.OptState, Array]:
        """A step of RewardNet on steps drawn alike: priorities are Q's, and would tilt its mean."""
        drawn = uniform(state.replay, key, self.batch_size)
        batch: Transition = gather(state.replay, drawn, state.replay.episodes)
        tau = self.quantile if self.step_reward == "quantile" else None
        wanted = best_return(state.table, batch.key, batch.own) if tau is None else batch.own
        loss, slope = jax.value_and_grad(wish_loss)(state.wish, batch, wanted, tau)
        return *moved(self.learning_rate, state.wish, slope, state.wish_memory), loss


def moved(rate: float, network: Any, slope: Any, memory: Any) -> tuple[Any, Any]:
    """A step of Adam: the network and the optimiser's memory after it."""
    change, memory = optax.adam(rate).update(slope, memory)
    return optax.apply_updates(network, change), memory


def _without(x: Array) -> tuple[int, ...]:
    """Shape of a campaign's episode in [E, T, N, …]."""
    return (x.shape[1], *x.shape[3:])


def wish_loss(
    wish: MLP, batch: Transition, wanted: Float[Array, " B"], quantile: float | None
) -> Float[Array, ""]:
    """Of RewardNet: half the squared error, or the pinball loss of a quantile of returns."""
    error = wanted - q_values(wish(batch.seen), batch.chosen)
    cost = (
        error**2 / 2 if quantile is None else jnp.maximum(quantile * error, (quantile - 1) * error)
    )
    return jnp.where(batch.present, cost, 0).sum() / jnp.maximum(batch.present.sum(), 1)


ALGORITHMS.add("drlb", "DRLB: λ in steps of percents, paid with the best return a step led to.")(
    Drlb
)
ALGORITHMS.add("drlb-11", "DRLB with the eleven actions of its first version.")(
    partial(Drlb, action_values=ELEVEN)
)
ALGORITHMS.add("drlb-published", "DRLB with the published state, batch and annealing.")(
    partial(
        Drlb,
        observer="drlb",
        tau=1.0,
        target_update_every=100,
        batch_size=32,
        buffer_size=100_000,
        reward_warmup=0,
    )
)
