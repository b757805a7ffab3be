"""DCMAB: its losses by finite differences, its bids by hand, and what it learns."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import equibid.learning.algorithms.dcmab.replay as replays
from equibid.auctions.ranked import Ranked, gsp
from equibid.auctions.tally import FIELDS, Tally, no_tally
from equibid.bidders.fixed import Fixed
from equibid.envs.periods import generated_setup
from equibid.envs.problem import Task
from equibid.envs.rewards import Value
from equibid.envs.setup import TrainingSetup
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS, settings_of
from equibid.learning.algorithms.dcmab.actions import Tilt, tilt, tilted_bids
from equibid.learning.algorithms.dcmab.algorithm import DCMAB, State
from equibid.learning.algorithms.dcmab.cluster_stats import Books, books_of
from equibid.learning.algorithms.dcmab.losses import Intervals, actor_loss, critic_loss
from equibid.learning.algorithms.dcmab.networks import Actors, actors, critics
from equibid.learning.algorithms.dcmab.replay import by_interval, draw, noise_slopes
from equibid.learning.algorithms.dcmab.rewards import cluster_sums, future_of
from equibid.learning.clusters import by_cluster, worth
from equibid.learning.losses.potential import no_slopes, seen_slopes
from equibid.learning.training.rollout import Episodes
from equibid.markets import MARKETS
from learning.filled import filled
from learning.stationary import stationary_practice

B, CLUSTERS, GROUPS = 4, 3, 2
BOOKS = 2 * CLUSTERS * GROUPS
HISTORY = jnp.asarray([[0.6, 0.5], [0.4, 0.5]], jnp.float32)
TINY = DCMAB(
    bid_form="none",
    decision_ticks=2,
    num_envs=2,
    num_updates=2,
    batch_size=8,
    buffer_size=4,
    actor_hidden_size=8,
)


def intervals(seed: int = 0) -> Intervals:
    """A batch of random ones; the last is the end of a day."""
    random = np.random.default_rng(seed)

    def drawn(*size: int) -> jax.Array:
        return jnp.asarray(random.uniform(-0.9, 0.9, size), jnp.float32)

    pairs, everywhere = (B, CLUSTERS, GROUPS), jnp.ones((B, CLUSTERS), bool)
    return Intervals(
        books=drawn(B, BOOKS),
        action=drawn(*pairs),
        use=jnp.abs(drawn(*pairs)),
        reward=drawn(B, CLUSTERS),
        next_books=drawn(B, BOOKS),
        next_use=jnp.abs(drawn(*pairs)),
        acts=everywhere,
        concerned=everywhere,
        next_acts=everywhere,
        discount=jnp.asarray(np.repeat([[1], [1], [1], [0]], CLUSTERS, axis=1), jnp.float32),
    )


@cache
def market() -> TrainingSetup:
    """A small one of four advertisers."""
    sizes = {"impressions": 600, "advertisers": 4, "ticks": 6, "categories": 2}
    return generated_setup(
        "small", lambda day: MARKETS["demo"](jax.random.key(0), day=day, **sizes), gsp(), days=2
    )


@cache
def market_task() -> Task:
    return market().task(Value(), observer="traits")


@cache
def after_a_step() -> tuple[State, dict[str, jax.Array]]:
    """Of `TINY`."""
    state = jax.jit(TINY.init)(market_task(), jax.random.key(0))
    return jax.jit(TINY.step)(market_task(), state)


def tiny_books() -> Books:
    """Of `TINY` and its task."""
    state = after_a_step()[0]
    return books_of(TINY, market_task(), state.cluster, state.group)


def test_critics_read_all_there_is() -> None:
    judge = critics(jax.random.key(0), CLUSTERS, GROUPS, BOOKS, 8)
    pairs = CLUSTERS * GROUPS
    assert judge.inputs == 2 * pairs + GROUPS * (GROUPS + 2) + pairs + pairs
    assert critics(jax.random.key(0), 3, 3, 18, 100).inputs == 18 + 15 + 9 + 9


def test_the_actors_gradient_is_that_of_the_batch_s_objective() -> None:
    """A quadratic for Q; finite differences go through all groups of a cluster at once."""
    batch = intervals()
    random = np.random.default_rng(1)
    matrix = jnp.asarray(random.normal(size=(CLUSTERS, CLUSTERS, GROUPS, CLUSTERS, GROUPS)))

    def quadratic(books, history, use, action):
        q = -jnp.einsum("nbij,nijkl,nbkl->bn", action, matrix, action)
        return q + (use * action.sum(0)).sum(axis=(1, 2))[:, None]

    network = actors(jax.random.key(2), CLUSTERS, GROUPS, BOOKS, 16)
    # Off the kink that a layer without any active unit sits on where biases are zero.
    network = jax.tree.map(lambda x: x.astype(jnp.float64) + 0.01, network)
    batch = jax.tree.map(lambda x: x.astype(jnp.float64), batch)
    leaves, structure = jax.tree.flatten(network)
    sizes = [leaf.shape for leaf in leaves]
    flat = jnp.concatenate([leaf.reshape(-1) for leaf in leaves])
    cuts = np.cumsum([int(np.prod(size)) for size in sizes])[:-1]

    def loss(flat: jax.Array) -> jax.Array:
        parts = jnp.split(flat, cuts)
        parts = [part.reshape(size) for part, size in zip(parts, sizes, strict=True)]
        return actor_loss(jax.tree.unflatten(structure, parts), quadratic, batch, HISTORY)

    run, slope = jax.jit(loss), np.asarray(jax.jit(jax.grad(loss))(flat))
    for _ in range(4):
        direction = jnp.asarray(random.normal(size=flat.shape))
        step = 1e-6 * direction
        wanted = float(run(flat + step) - run(flat - step)) / 2e-6
        assert slope @ np.asarray(direction) == pytest.approx(wanted, rel=1e-5, abs=1e-7)


def test_targets_by_hand_and_nothing_follows_the_end() -> None:
    batch = intervals()
    network = actors(jax.random.key(2), CLUSTERS, GROUPS, BOOKS, 4)
    first = jnp.asarray([1.0, 2.0, 3.0], jnp.float32)

    def judge(books, history, use, action):
        """What each sees of cluster 0's first action, in its own units."""
        return action[:, :, 0, 0].T * first

    _, y = critic_loss(judge, (network, judge), batch, HISTORY)
    after = network(batch.next_books, HISTORY)[:, 0, 0]
    wanted = batch.reward + batch.discount * after[:, None] * first
    np.testing.assert_allclose(y, wanted, rtol=1e-6)
    np.testing.assert_array_equal(y[-1], batch.reward[-1])
    # Plain DDPG: only cluster 0 sees its own action.
    _, own = critic_loss(judge, (network, judge), batch, HISTORY, joint=False)
    np.testing.assert_array_equal(own[:, 1:], batch.reward[:, 1:])


def test_names_of_clusters_do_not_matter() -> None:
    order = np.asarray([2, 0, 1])
    batch = intervals()
    network = actors(jax.random.key(3), CLUSTERS, GROUPS, BOOKS, 4)
    judge = critics(jax.random.key(4), CLUSTERS, GROUPS, BOOKS, 8)

    def renamed_books(books: jax.Array) -> jax.Array:
        return books.reshape(B, CLUSTERS, GROUPS, 2)[:, order].reshape(B, -1)

    renamed = batch._replace(
        books=renamed_books(batch.books),
        next_books=renamed_books(batch.next_books),
        **{name: getattr(batch, name)[:, order] for name in ("action", "use", "next_use")},
        reward=batch.reward[:, order],
    )
    row = np.arange(BOOKS).reshape(CLUSTERS, GROUPS, 2)[order].reshape(-1)
    pair = np.arange(CLUSTERS * GROUPS).reshape(CLUSTERS, GROUPS)[order].reshape(-1)
    static = BOOKS + np.arange(GROUPS * (GROUPS + 2))

    def moved(tree, where, inputs):
        """Weights of a first layer for inputs in another order, networks too."""
        tree = jax.tree.map(lambda x: x[order], tree)
        weight = where(tree).weight[:, inputs]
        return jax.tree.map(lambda x: weight if x is where(tree).weight else x, tree)

    rest = np.concatenate([row, np.arange(BOOKS, BOOKS + GROUPS + 2)])
    actors_moved = Actors(moved(network.policies, lambda t: t.network.layers[0], rest))
    seen = np.concatenate([row, static, static[-1] + 1 + pair])
    judge_moved = moved(judge, lambda t: t.state, seen)
    judge_moved = jax.tree.map(lambda x: x, judge_moved)
    hidden = judge.join.weight.shape[1] - len(pair)
    joined = np.concatenate([np.arange(hidden), hidden + pair])
    weight = judge_moved.join.weight[:, joined]
    judge_moved = jax.tree.map(lambda x: weight if x is judge_moved.join.weight else x, judge_moved)

    @jax.jit
    def losses(network, judge, batch):
        cost, y = critic_loss(judge, (network, judge), batch, HISTORY)
        return cost, actor_loss(network, judge, batch, HISTORY), y

    before = losses(network, judge, batch)
    after = losses(actors_moved, judge_moved, renamed)
    np.testing.assert_allclose(before[:2], after[:2], rtol=1e-4)
    np.testing.assert_allclose(before[2][:, order], after[2], rtol=1e-4, atol=1e-6)


def test_coordination_pays_all_the_same() -> None:
    task = market_task()
    books = tiny_books()
    value = jnp.asarray(np.random.default_rng(0).random((2, 4)))
    here = jnp.ones(4, bool)
    own, all_alike = (
        np.asarray(cluster_sums(task, books, s, value, here)) for s in ("self", "coord")
    )
    count = np.asarray(worth(task))
    total = (np.asarray(value) * count).sum(axis=1) / (np.asarray(task.best) * count).sum()
    np.testing.assert_allclose(all_alike, np.repeat(total[:, None], 3, axis=1))
    cluster = np.asarray(books.cluster)
    for i in set(cluster.tolist()):
        mine = count * (cluster == i)
        wanted = (np.asarray(value) * mine).sum(axis=1) / (np.asarray(task.best) * mine).sum()
        np.testing.assert_allclose(own[:, i], wanted)


def test_whom_a_rival_drives_counts_in_no_reward() -> None:
    """What it buys and what it could buy are no merit of its cluster."""
    task = market_task()
    books = tiny_books()
    value = jnp.asarray(np.random.default_rng(1).random((2, 4)))
    learns = jnp.asarray([[True, False, True, True], [True, True, True, True]])
    more = value.at[0, 1].add(9)
    for share in ("self", "coord"):
        one, other = (cluster_sums(task, books, share, x, learns) for x in (value, more))
        np.testing.assert_array_equal(one, other)
        # Who earns its plan earns one, however many opponents sit in its cluster.
        whole = cluster_sums(task, books, share, jnp.broadcast_to(task.best, (2, 4)), learns)
        assert set(np.round(np.asarray(whole).ravel(), 12)) <= {0.0, 1.0}


def test_bandits_are_paid_their_interval_alone() -> None:
    """γ = 0 leaves nothing of the future in what is learned, whatever shaping says."""
    books, e = tiny_books(), jnp.full(4, 0.5)
    assert future_of(TINY, market_task(), books, e) is not None
    for changes in ({"gamma": 0.0}, {"shaping": False}):
        assert future_of(replace(TINY, **changes), market_task(), books, e) is None


def test_an_action_is_saturated_where_the_bid_is() -> None:
    """At 0.9, the most a bid is raised or cut by, not near 1."""
    actions = np.array([0.89, -0.9, 0.95, 1.0], np.float32)[:, None, None, None]
    empty: dict[str, Any] = dict.fromkeys(Episodes._fields)
    empty |= {
        "present": np.ones((4, 2, 4), bool),
        "action": np.broadcast_to(actions, (4, 1, 3, 3)),
        "reward": np.zeros((4, 1, 4)),
        "tally": Tally(*(np.zeros((4, 1, 4)) for _ in FIELDS)),
    }
    books = tiny_books()
    told = TINY._told(market_task(), books, Episodes(**empty))
    assert float(told["action/saturated"]) == 0.75


def test_a_cluster_that_makes_no_bid_neither_learns_nor_is_seen() -> None:
    """Rows in which cluster 1 does not act, by hand."""
    batch = intervals()
    acts = jnp.asarray(np.array([[1, 0, 1], [1, 1, 1], [1, 0, 1], [1, 1, 1]], bool))
    some = batch._replace(acts=acts, concerned=acts)
    network = filled(lambda: actors(jax.random.key(2), CLUSTERS, GROUPS, BOOKS, 4))

    def judge(books, history, use, action):
        """The sum of what each sees."""
        return action.sum(axis=(2, 3)).T

    def losses(batch: Intervals) -> tuple[jax.Array, jax.Array, jax.Array]:
        cost, y = critic_loss(judge, (network, judge), batch, HISTORY)
        return cost, y, actor_loss(network, judge, batch, HISTORY)

    run = jax.jit(losses)
    cost, y, aim = run(some)
    q = batch.action.sum(axis=(1, 2))[:, None]
    each = (np.asarray(y) - np.asarray(q)) ** 2
    wanted = sum(each[np.asarray(acts)[:, i], i].mean() for i in range(CLUSTERS))
    np.testing.assert_allclose(cost, wanted, rtol=1e-5)
    own = np.asarray(network(batch.books, HISTORY))
    value = np.asarray(q) - np.asarray(batch.action).sum(axis=2) + own.sum(axis=2)
    wanted = -sum(value[np.asarray(acts)[:, i], i].mean() for i in range(CLUSTERS))
    np.testing.assert_allclose(aim, wanted, rtol=1e-5)
    # What it would do next where it is out is in nobody's target.
    after = np.asarray(network(batch.next_books, HISTORY)).sum(axis=2)
    gone = run(some._replace(next_acts=acts))[1]
    lost = np.where(np.asarray(acts)[:, 1], 0, after[:, 1])[:, None] * np.asarray(batch.discount)
    np.testing.assert_allclose(gone, y - lost, rtol=1e-4, atol=1e-6)


def test_bids_by_hand() -> None:
    """Three bidders, one slot and next price: bids 2.8, 1.5 and 0.19, so the first pays 1.5."""
    tilted = Tilt(*(jnp.asarray(x) for x in ([0.2, 0.0, -1.0], [1.0, 1.5, 1.9], [1.0, 2.0, 0.5])))
    values = jnp.asarray([[2.0, 1.0, 1.0]])
    bids = tilted_bids(tilted, values, "paper", 0.9)
    np.testing.assert_allclose(bids, [[2.8, 1.5, 0.19]])
    # Half the mean value takes half the action; without a mean the value stands for itself.
    others = Tilt(*(jnp.asarray(x) for x in ([0.2, 0.2], [1.0, 1.0], [4.0, 0.0])))
    half, whole = tilted_bids(others, jnp.asarray([[2.0, 2.0]]), "paper", 0.9)[0]
    assert (float(half), float(whole)) == pytest.approx((2 * 1.1, 2 * 1.4))
    sold = Ranked("next", (1.0,), 0.0).clear(bids)
    np.testing.assert_allclose(sold.charge, [[1.5, 0, 0]])
    alone = Ranked("next", (1.0,), 0.0).clear(
        tilted_bids(tilted, jnp.asarray([[2.0, 0.0, 0.0]]), "paper", 0.9)
    )
    np.testing.assert_allclose(alone.charge, [[0.0, 0, 0]])


def test_only_the_published_rule_cuts_good_impressions_most() -> None:
    bratio = jnp.linspace(0.2, 3, 30)
    cuts = {ratio: np.asarray(tilt(jnp.asarray(-0.3), bratio, ratio, 0.9)) for ratio in
            ("paper", "monotone", "none")}  # fmt: skip
    assert (np.diff(cuts["paper"]) <= 0).all() and cuts["paper"][-1] == pytest.approx(-0.9)
    assert (np.diff(cuts["monotone"]) >= 0).all()
    np.testing.assert_allclose(cuts["none"], -0.3)
    for ratio in cuts:
        raises = np.asarray(tilt(jnp.asarray(0.3), bratio, ratio, 0.9))
        assert (np.diff(raises) >= 0).all() and raises.max() <= 0.9


def test_books_are_read_once_an_interval() -> None:
    books = Books(
        cluster=jnp.asarray([0, 1, 0]),
        group=jnp.asarray([0, 0, 1, 1]),
        worth=jnp.asarray([1.0, 2.0, 1.0]),
        budget=jnp.asarray([4.0, 10.0, 6.0]),
        plan=jnp.asarray([2.0, 4.0, 2.0]),
        clusters=2,
        groups=2,
        interval=2,
        clock=True,
    )
    one = replace(no_tally(3), spend=jnp.asarray([1.0, 2, 3]), value=jnp.asarray([1.0, 1, 1]))
    pages = books.init(market_task().game.campaigns)
    rows = [books.read(pages)]
    for _ in range(4):
        pages = books.update(pages, one)
        rows.append(books.read(pages))
    names = books.names
    at = {name: [float(row[names.index(name)]) for row in rows] for name in names}
    np.testing.assert_allclose(at["clock"], [0, 0, 0.5, 0.5, 1])
    np.testing.assert_allclose(at["cost 0 0"], [0, 0, 0.8, 0.8, 0.8], rtol=1e-6)
    np.testing.assert_allclose(at["revenue 1 0"], [0, 0, 1, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(at["cost 0 1"], [0, 0, 0, 0, 0.8], rtol=1e-6)


def test_books_are_of_the_seats_that_are_driven() -> None:
    books = Books(
        cluster=jnp.asarray([0, 0, 1]),
        group=jnp.asarray([0]),
        worth=jnp.ones(3),
        budget=jnp.asarray([10.0, 30.0, 5.0]),
        plan=jnp.asarray([4.0, 8.0, 2.0]),
        clusters=2,
        groups=1,
        interval=1,
        clock=False,
    )
    sums = replace(no_tally(3), spend=jnp.asarray([1.0, 6, 2]), value=jnp.asarray([1.0, 4, 1]))
    pages = books.update(books.init(market_task().game.campaigns), sums)
    np.testing.assert_allclose(books.read(pages), [7 / 40, 5 / 12, 2 / 5, 1 / 2])
    driven = jnp.asarray([True, False, False])
    np.testing.assert_allclose(books.read(pages, driven), [1 / 10, 1 / 4, 0, 0])


def test_a_short_last_interval_is_summed_too() -> None:
    x = jnp.arange(5.0).reshape(1, 5, 1)
    np.testing.assert_array_equal(by_interval(x, 2)[0, :, 0], [1, 5, 4])


def test_a_step_keeps_the_state_s_shapes_and_its_books() -> None:
    state = TINY.init(market_task(), jax.random.key(0))
    after, metrics = after_a_step()
    same = jax.tree.map(lambda x, y: x.shape == y.shape and x.dtype == y.dtype, state, after)
    assert jax.tree.all(same) and all(np.isfinite(x) for x in metrics.values())
    days = after.memory.episodes
    use = np.asarray(days.use[:2, :-1])
    np.testing.assert_allclose(use.sum(axis=(2, 3)), 1, rtol=1e-5)
    # What was earned in a day is what the books end with, clusters that are empty aside.
    books = np.asarray(days.books[:2, -1, : 2 * 9]).reshape(2, 3, 3, 2)
    np.testing.assert_allclose(books[..., 1].sum(axis=2), days.reward[:2].sum(axis=1), rtol=1e-4)
    # Before the last interval, as nobody has money to bid with after it.
    money, books = days.money[:2, -2], days.books[:2, -2, : 2 * 9].reshape(2, 3, 3, 2)
    assert (np.asarray(money) > 0).all() and not np.asarray(days.money[:2, -1]).any()
    spent = (1 - np.asarray(money)) * np.asarray(market_task().game.campaigns.budget)
    own = tiny_books()
    budget = np.asarray(by_cluster(own.budget, own.cluster, own.clusters))
    booked = (books[..., 0] * budget[:, None]).sum(axis=(1, 2))
    np.testing.assert_allclose(booked, spent.sum(1), rtol=1e-4)
    # A cluster acts while an agent of it is there.
    assert days.acts[:2, 0].any(axis=-1).all() and not days.acts[:2, -1].any()


def test_slopes_are_of_the_noise_of_the_own_cluster_and_group() -> None:
    random = np.random.default_rng(3)
    E, T, N, interval = 20, 6, 3, 2
    noise = random.normal(size=(E, T // interval, 2, 2))
    cluster, group = np.asarray([1, 0, 1]), np.asarray([0, 0, 1, 1, 0, 1])
    reward, spend = random.random((2, E, T, N))
    present = random.random((E, T + 1, N)) < 0.8
    books: Any = SimpleNamespace(
        interval=interval, cluster=cluster, group_of=lambda ticks: jnp.asarray(group)[ticks]
    )
    task: Any = SimpleNamespace(
        best=np.asarray([1.0, 2.0, 4.0]),
        game=SimpleNamespace(campaigns=SimpleNamespace(budget=np.asarray([2.0, 1.0, 0.0]))),
    )
    days: Any = SimpleNamespace(
        reward=jnp.asarray(reward),
        tally=SimpleNamespace(spend=jnp.asarray(spend)),
        present=jnp.asarray(present),
    )
    got = noise_slopes(no_slopes(N), task, books, days, jnp.asarray(noise))
    own = np.asarray(
        [[[noise[e, t // 2, cluster[i], group[t]] for i in range(N)] for t in range(T)]
         for e in range(E)]
    )  # fmt: skip
    wanted = seen_slopes(
        no_slopes(N),
        *(jnp.asarray(x) for x in (own, reward / [1, 2, 4], spend / [2, 1, 1], present[:, :-1])),
    )
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5), got, wanted)


def test_noise_goes_from_its_first_size_to_its_last() -> None:
    learner = replace(TINY, noise_std=(0.4, 0.1), anneal_episodes=10)
    state = after_a_step()[0]
    sizes = [float(learner._spread(state._replace(played=jnp.asarray(n)))) for n in (0, 5, 10, 99)]
    assert sizes == pytest.approx([0.4, 0.25, 0.1, 0.1])


def test_untrained_it_bids_the_start() -> None:
    setup, task = market(), market_task()
    state = TINY.init(task, jax.random.key(0))
    start = setup.judge(Fixed(task.reference.factor))
    for ratio in ("none", "paper"):
        got = setup.judge(replace(TINY, bid_form=ratio).policy(task, state))
        assert got["value"] == pytest.approx(start["value"], rel=0.03)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="decision_ticks must be"):
        DCMAB(decision_ticks=0)
    with pytest.raises(InputError, match="bid_form=none"):
        DCMAB(env_mode="log", bid_form="paper")
    with pytest.raises(InputError, match="buffer_size must hold"):
        DCMAB(buffer_size=2)
    by_impression = stationary_practice(play="impression").task(Value(), observer="traits")
    with pytest.raises(InputError, match="tick"):
        TINY.init(by_impression, jax.random.key(0))


def test_presets_are_registered() -> None:
    settings = settings_of(ALGORITHMS["dcmab-coord"]())
    assert settings["reward_sharing"] == "coord"
    published = settings_of(ALGORITHMS["dcmab-published"]())
    assert [published[name] for name in ("num_clusters", "num_tick_groups", "max_change")] == [
        3,
        3,
        0.9,
    ]
    assert (
        not (published["observe_time"] or published["shaping"]) and published["bid_form"] == "paper"
    )


def test_shaping_counts_the_intervals_that_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four intervals: before the first all of the period is left, after the last nothing."""
    tick, Q = np.array([0, 2, 3]), 4
    each = np.ones((3, CLUSTERS), np.float32)
    fields = ("books", "use", "money", "acts", "concerned", "learns", "reward", "action")
    days: Any = SimpleNamespace(**dict.fromkeys(fields, each))
    memory: Any = SimpleNamespace(episodes=days, written=np.zeros((1, Q)))
    monkeypatch.setattr(replays, "uniform", lambda *_: SimpleNamespace(tick=jnp.asarray(tick)))
    monkeypatch.setattr(replays, "gather", lambda *_: days)
    monkeypatch.setattr(replays, "following", lambda *_: (each,) * 5)

    def square(money: Any, time: Any, learns: Any) -> Any:
        return jnp.asarray(time)[:, None] ** 2 * each

    plain = draw(memory, jax.random.key(0), 3, 1.0, None)
    shaped = draw(memory, jax.random.key(0), 3, 1.0, square)
    wanted = ((Q - 1 - tick) ** 2 - (Q - tick) ** 2) / Q**2
    np.testing.assert_allclose(shaped.reward - plain.reward, wanted[:, None] * each, rtol=1e-6)
