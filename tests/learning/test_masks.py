"""What nobody bid teaches nothing: seats of opponents, agents without money, what follows the end.

Every learner learns from periods made up by hand. What an agent saw and said where its action was
not bid, what an opponent won, and the money that is left to who is out may be anything.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import equibid.learning.algorithms.attention_critic.algorithm as attention_critic
import equibid.learning.algorithms.bpg.algorithm as bpg
import equibid.learning.algorithms.dcmab.algorithm as dcmab
import equibid.learning.algorithms.drlb.algorithm as drlb
import equibid.learning.algorithms.maab.algorithm as maab
import equibid.learning.algorithms.maddpg.algorithm as maddpg
import equibid.learning.algorithms.mappo.algorithm as mappo
import equibid.learning.algorithms.uscb.algorithm as uscb
from equibid.auctions.ranked import second_price
from equibid.auctions.tally import FIELDS, Tally
from equibid.bidders.fixed import Fixed
from equibid.bidders.training import training_log
from equibid.envs.problem import Task
from equibid.envs.rewards import Value
from equibid.envs.setup import TrainingSetup
from equibid.learning.algorithms.dcmab.cluster_stats import books_of
from equibid.learning.algorithms.dcmab.replay import remember as remembered
from equibid.learning.algorithms.uscb.probe_rollouts import Played, Probes
from equibid.learning.clusters import advertiser_clusters
from equibid.learning.replay.buffer import Replay
from equibid.learning.training.rollout import Episodes, play
from equibid.markets.market import Campaigns, Market, even_ticks

E, T, N = 2, 4, 4
# In the first period agent 1 is out after two steps and an opponent drives agent 2; in the second a
# opponent drives agent 1, and agent 2 is out after one step. After the last step nobody acts.
STEPS = np.array([[4, 2, 0, 4], [4, 0, 1, 4]])
PRESENT = np.arange(T + 1)[:, None] < STEPS[:, None]
LEARNS = PRESENT[:, :1]
SEEN = "pace+traits"
SMALL: dict[str, Any] = {"num_envs": E, "num_updates": 2, "batch_size": 8, "buffer_size": 4}

LEARNERS: dict[str, tuple[Any, Any]] = {
    "maab": (maab, maab.MAAB(**SMALL, hidden_size=8)),
    "maab in groups": (maab, maab.MAAB(**SMALL, hidden_size=8, grouping="category")),
    "maddpg": (maddpg, maddpg.Maddpg(**SMALL, hidden_sizes=(8,))),
    "maddpg in teams": (maddpg, maddpg.Maddpg(**SMALL, hidden_sizes=(8,), structure="teams:2")),
    "mappo in teams": (
        mappo,
        mappo.Mappo(
            num_envs=E, num_epochs=1, num_minibatches=1, hidden_sizes=(8,), structure="teams:2"
        ),
    ),
    "attention-critic": (
        attention_critic,
        attention_critic.AttentionCriticBidding(
            **SMALL,
            observer=SEEN,
            actor_hidden_sizes=(8,),
            critic_hidden_size=8,
            num_heads=2,
            critic_warmup=0,
            policy_delay=1,
        ),
    ),
    # Prices that are there already, and stay: what is played thrice alike gains nothing.
    "bpg": (
        bpg,
        bpg.Bpg(
            num_envs=E,
            num_epochs=1,
            response_epochs=1,
            critic_epochs=1,
            hidden_sizes=(8,),
            epsilon=0.0,
            dual_rule="integral",
        ),
    ),
    "drlb": (
        drlb,
        drlb.Drlb(**SMALL, observer=SEEN, hidden_sizes=(8,), table_size=64, reward_warmup=0),
    ),
    "dcmab": (
        dcmab,
        dcmab.DCMAB(**SMALL, decision_ticks=2, actor_hidden_size=8, critic_hidden_size=8),
    ),
    "dcmab for all": (
        dcmab,
        dcmab.DCMAB(
            **SMALL,
            decision_ticks=2,
            actor_hidden_size=8,
            critic_hidden_size=8,
            reward_sharing="coord",
        ),
    ),
}


@cache
def task() -> Task:
    """Four advertisers on four ticks of six impressions, in two categories."""
    random = np.random.default_rng(4)
    campaigns = Campaigns(
        jnp.array([30.0, 0.3, 20.0, 25.0]), jnp.ones(N), jnp.array([0, 1, 0, 1], jnp.int32)
    )
    market = Market(
        values=jnp.asarray(random.random((24, N))),
        tick_start=even_ticks(24, T),
        campaigns=campaigns,
        market_price=jnp.asarray(0.4 * random.random(24)),
    )
    log = training_log(market, second_price())
    setup = TrainingSetup("small", log, [market], [market], second_price(), "tick")
    return setup.task(
        Value(), opponents=[Fixed(jnp.full(N, 0.5))], seat=jnp.asarray([0, 0, 1, 0]), observer=SEEN
    )


def made(action: np.ndarray, features: int) -> Episodes:
    """Two periods of random numbers; who is out wins nothing."""
    random = np.random.default_rng(5)
    present, plays = PRESENT, PRESENT[:, :-1] | ~LEARNS
    amounts = [np.where(plays, random.random((E, T, N)), 0) / T for _ in FIELDS]
    reward = np.where(plays, random.random((E, T, N)), 0)
    left = np.linspace(1, 0.1, T + 1)[:, None] * np.asarray(task().game.campaigns.budget)
    return Episodes(
        observation=random.normal(size=(E, T + 1, N, features)).astype(np.float32),
        present=present,
        action=action.astype(np.float32),
        last_factor=np.ones((E, T, N)),
        factor=np.ones((E, T, N)),
        reward=reward.astype(np.float32),
        tally=Tally(*amounts),
        remaining=np.broadcast_to(left, (E, T + 1, N)),
        period=np.arange(E) % 1,
    )


def actions_of(learner: Any, cluster: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Any actions the learner may take, and where they are bid."""
    random = np.random.default_rng(seed)
    if isinstance(learner, dcmab.DCMAB):
        # Held for an interval of two ticks; a cluster acts while a member does at its start.
        starts = PRESENT[:, :-1:2, None, :] & (cluster == np.arange(3)[:, None])
        acts = np.repeat(starts.any(axis=-1), 2, axis=1)
        drawn = np.repeat(random.uniform(-1, 1, (E, T // 2, 3, 3)), 2, axis=1)
        return drawn, np.broadcast_to(acts[..., None], drawn.shape)
    here = PRESENT[:, :-1, :, None]
    if isinstance(learner, maab.MAAB):
        return random.integers(0, 21, (E, T, N, 3)) % [21, 21, 2], here
    if isinstance(learner, drlb.Drlb):
        return random.integers(0, 7, (E, T, N, 1)), here
    return random.uniform(-1, 1, (E, T, N, 1)), here


def state_after(
    learner: Any, module: Any, patch: pytest.MonkeyPatch
) -> Callable[[Episodes], list[np.ndarray]]:
    """From periods to all that a step leaves behind but what it remembers of them."""

    @jax.jit
    def step(episodes: Episodes) -> Any:
        state = learner.init(task(), jax.random.key(0))
        if module is bpg:
            thrice = jax.tree.map(lambda x: jnp.concatenate([x] * 3), episodes)
            patch.setattr(module, "play_periods", lambda *_: thrice)
            state = state._replace(duals=state.duals._replace(price=jnp.ones(N, jnp.float32)))
        else:
            patch.setattr(module, "play", lambda *_: episodes)
        return learner.step(task(), state)[0]

    def kept(episodes: Episodes) -> list[np.ndarray]:
        leaves = jax.tree.leaves(step(episodes), is_leaf=lambda x: isinstance(x, Replay))
        return [np.asarray(x) for x in leaves if not isinstance(x, Replay)]

    return kept


@pytest.mark.parametrize("name", LEARNERS)
def test_what_nobody_bid_teaches_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, learner = LEARNERS[name]
    books = isinstance(learner, dcmab.DCMAB)
    cluster = np.asarray(advertiser_clusters(task(), 3))
    features = 2 * 9 + 1 if books else task().game.features
    (action, bid), (other, _) = (actions_of(learner, cluster, seed) for seed in (0, 1))
    base = made(action, features)
    random = np.random.default_rng(6)
    strange = random.normal(size=base.observation.shape).astype(np.float32)
    unseen = ~PRESENT
    if books:
        # All read one book, which is right until the day is over.
        unseen = np.zeros_like(PRESENT)
    elif "team" in name or isinstance(learner, attention_critic.AttentionCriticBidding):
        # What a team expects is also fitted to what its members see that are out.
        unseen = ~LEARNS | (np.arange(T + 1) == T)[:, None]
    changed = base._replace(
        action=np.where(bid, action, other).astype(np.float32),
        observation=np.where(unseen[..., None], strange, base.observation),
        reward=np.where(LEARNS, base.reward, base.reward + 9),
        remaining=np.where(LEARNS & ~PRESENT, 0.3 * base.remaining, base.remaining),
    )
    assert not bid.all() and (changed.action != base.action).any()
    after = state_after(learner, module, monkeypatch)
    one, two = after(base), after(changed)
    for x, y in zip(one, two, strict=True):
        np.testing.assert_array_equal(x, y)
    # What was bid does teach something.
    three = after(base._replace(action=np.where(bid, other, action).astype(np.float32)))
    assert any((x != y).any() for x, y in zip(one, three, strict=True))


def test_clusters_that_serve_all_are_concerned_while_anybody_acts() -> None:
    alone, together = LEARNERS["dcmab"][1], LEARNERS["dcmab for all"][1]
    cluster = advertiser_clusters(task(), 3)
    books = books_of(alone, task(), cluster, jnp.zeros(T, jnp.int32))
    played = made(actions_of(alone, np.asarray(cluster), 0)[0], 2 * 9 + 1)
    # In a third period a seat of one cluster alone is learnt, and ends before the others would.
    one = (np.asarray(cluster) == int(cluster[0])) & (np.arange(N) == 0)
    present = np.concatenate([PRESENT, (one & (np.arange(T + 1)[:, None] < 2))[None]])
    played = jax.tree.map(lambda x: np.concatenate([x, x[:1]]), played)._replace(present=present)
    starts = present[:, [0, 2, 4]]
    acts = np.stack([(starts & (np.asarray(cluster) == i)).any(axis=-1) for i in range(3)], axis=-1)
    assert acts[0, 1].any() and not acts[2, 1].any()
    mine = remembered(alone, task(), books, played)
    ours = remembered(together, task(), books, played)
    np.testing.assert_array_equal(mine.acts, acts)
    np.testing.assert_array_equal(mine.concerned, acts)
    # Who began the period is concerned to the end of it, as long as one cluster acts.
    anybody = acts.any(axis=-1, keepdims=True)
    np.testing.assert_array_equal(ours.concerned, acts[:, :1] & anybody)
    assert (ours.concerned != acts[:, :1]).any()


def test_uscb_learns_from_no_probe_that_nobody_bid(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, Any] = {
        "num_probes": T,
        "actor_hidden_sizes": (8,),
        "critic_hidden_sizes": (8,),
    }
    learner = uscb.Uscb(**SMALL, **sizes, observer=SEEN, critic_warmup=0)
    random = np.random.default_rng(0)
    here, shape = PRESENT[:, :-1], (E, T, N)
    factors = [random.uniform(0.5, 2, shape) for _ in range(6)]
    seen = random.normal(size=(*shape, task().game.features)).astype(np.float32)
    probes = Probes(np.tile(np.arange(T), (E, 1)), seen, here, *factors)
    played = Played(*(random.random((E, N)) for _ in range(3)), learns=LEARNS[:, 0])

    @jax.jit
    def step(probes: Probes, played: Played) -> Any:
        monkeypatch.setattr(uscb.Uscb, "_play", lambda *_: (probes, played))
        monkeypatch.setattr(uscb, "start_and_best", lambda *_: (jnp.ones(N), jnp.ones(N)))
        state = learner.init(task(), jax.random.key(0))
        return learner.step(task(), state)[0]._replace(replay=None)

    strange = probes._replace(
        seen=np.where(here[..., None], seen, -seen),
        last_factor=np.where(here, probes.last_factor, 3.0),
        held=np.where(here, probes.held, 3.0),
        gain=np.where(here, probes.gain, 9.0),
    )
    one, two = step(probes, played), step(strange, played)
    jax.tree.map(np.testing.assert_array_equal, one, two)
    three = step(probes._replace(held=np.where(here, 3.0, probes.held)), played)
    with pytest.raises(AssertionError):
        jax.tree.map(np.testing.assert_array_equal, one, three)


def test_who_acts_learns_has_money_and_another_step() -> None:
    """Agent 1 is soon out of money, an opponent drives agent 2, and nobody acts after the end."""

    def act(key: jax.Array, seen: jax.Array, state: Any) -> tuple[jax.Array, jax.Array]:
        return seen[..., :1], jnp.ones((E, N))

    game = task().game
    episodes = jax.jit(lambda: play(game, act, jax.random.key(0), E))()
    present, bids = np.asarray(episodes.present), np.asarray(episodes.tally.offered) > 0
    assert bids[..., 2].all() and not present[..., 2].any() and not present[:, -1].any()
    assert present[:, :-1, [0, 3]].all()
    assert present[:, 0, 1].all() and not present[:, -2, 1].any()
    # Who is out does not bid, and what is left to it stays.
    assert not bids[..., 1][~present[:, :-1, 1]].any()
    assert (np.asarray(episodes.remaining)[:, -1, 1] > 0).all()
