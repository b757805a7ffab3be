"""Policies of other libraries bid in `simulate` what they bid in the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.auctions import gsp
from equibid.bidders import BIDDERS
from equibid.bidders.population import Population
from equibid.envs import ID
from equibid.envs.episode import seats_around
from equibid.envs.made import EnvSpec, made
from equibid.envs.problem import reference_of
from equibid.errors import InputError
from equibid.evaluation.arena import enter
from equibid.learning import mlp_from, policy_bidder
from equibid.markets.days import market_days
from equibid.origin import digest_of
from equibid.simulation import simulate
from equibid.simulation.scenario import day_before, generated_scenario
from equibid.simulation.training_day import counterfactual_log, tatonnement_factors

SIZES = {"impressions": 300, "ticks": 6, "advertisers": 5}
WORLD = EnvSpec(opponents="fixed", days=1, **SIZES)  # type: ignore[arg-type]
WEIGHTS = np.random.default_rng(1).normal(size=(18, 1)).astype(np.float32) / 4


def by_numpy(seen: Any) -> Any:
    """No tracer survives this."""
    return np.tanh(np.asarray(seen) @ WEIGHTS)[:, 0]


def by_jax(seen: Any) -> Any:
    return jnp.tanh(seen @ WEIGHTS)


def saved(path: Path, **further: Any) -> Path:
    """The same policy as a file."""
    arrays = {"weight_0": WEIGHTS.T, "bias_0": np.zeros(1), "squash": True} | further
    np.savez(path, **{name: x for name, x in arrays.items() if x is not None})
    return path


@pytest.mark.parametrize("head", ["increment:largest=0.3", "multiple:span=3", "paced", "sigmoid"])
def test_a_policy_bids_what_it_bid_in_the_environment(head: str) -> None:
    game, _ = made(WORLD)
    env = gymnasium.make(ID, game=game, advertiser=2, head=head, stays=True)
    seen, _ = env.reset(seed=4)
    chance = np.random.Generator(np.random.PCG64(np.random.SeedSequence(4))).integers(2**63)
    spent = []
    for _ in range(SIZES["ticks"]):
        seen, _, _, _, info = env.step(by_numpy(seen[None]).astype(np.float64))
        spent.append([info[name] for name in ("value", "spend", "wins")])
    day = market_days("demo", sizes=SIZES)
    log = day_before(day(0), gsp())
    fitted = policy_bidder(by_numpy, head=head)(log)
    seat = seats_around(game, True, jnp.asarray(chance), jnp.asarray(2))
    population = Population((fitted, BIDDERS["fixed"](log)), seat)
    delivery = simulate(day(0), gsp(), population, jax.random.key(chance))
    for row, want in enumerate(spent):
        told = [getattr(delivery.tally, name)[row, 2] for name in ("value", "spend", "wins")]
        np.testing.assert_allclose(told, want, rtol=1e-6)
    assert np.asarray(spent)[:, 1].sum() > 0


def test_every_form_of_a_policy_bids_alike(tmp_path: Path) -> None:
    scenario = generated_scenario("demo", market_days("demo", sizes=SIZES), gsp())
    forms = (by_numpy, by_jax, mlp_from(saved(tmp_path / "mlp.npz")))
    spends = []
    for form in forms:
        bidder = policy_bidder(form, "pace+traits", "increment")(scenario.train)
        population = Population((bidder,), jnp.zeros(5, jnp.int32))
        spends.append(
            simulate(scenario.market(0), gsp(), population, jax.random.key(1)).tally.spend
        )
    np.testing.assert_allclose(spends[1], spends[0], rtol=1e-6)
    np.testing.assert_allclose(spends[2], spends[0], rtol=1e-6)
    assert spends[0].sum() > 0


def test_of_a_long_log_a_policy_sees_the_period_itself() -> None:
    """Not of the part of its impressions and money that a thinned log holds."""
    day = market_days("demo", sizes=SIZES)(0)
    factors = jnp.broadcast_to(tatonnement_factors(day, gsp()), (day.ticks, day.advertisers))
    whole, thinned = (counterfactual_log(day, gsp(), factors, most=most) for most in (10**6, 1500))
    assert (whole.expected, thinned.expected, thinned.period) == (300, 300, 100)
    known, looks = (
        cast(Any, policy_bidder(by_numpy, "pace+uscb")(log)).observer.parts
        for log in (whole, thinned)
    )
    budget = day.campaigns.budget
    np.testing.assert_allclose(looks[0].reference.offered, reference_of(thinned).offered)
    np.testing.assert_allclose(looks[0].reference.offered, known[0].reference.offered, rtol=0.4)
    later = thinned.tuning_for(day.campaigns, 600, 6, 300)
    assert (later.period, later.expected) == (200, 600)
    np.testing.assert_allclose(later.campaigns.budget * 3, budget)


@pytest.mark.parametrize("array", [np.asarray, jnp.asarray])
def test_a_policy_is_known_by_what_it_says(array: Callable[[Any], Any]) -> None:
    """In a comparison, and in programs that were compiled before its weights changed."""
    scenario = generated_scenario("demo", market_days("demo", sizes=SIZES), gsp())
    weights = WEIGHTS.copy()
    BIDDERS.add("of-mine", "A policy.")(policy_bidder(lambda seen: array(seen) @ weights))

    def played() -> tuple[str, Any]:
        bidder = enter(scenario, ["of-mine"])[0].bidder
        population = Population((bidder,), jnp.zeros(5, jnp.int32))
        delivery = simulate(scenario.market(0), gsp(), population, jax.random.key(1))
        return digest_of(bidder), np.asarray(delivery.tally.spend)

    try:
        (first, before), (again, _) = played(), played()
        weights += 0.5
        other, after = played()
    finally:
        del BIDDERS.entries["of-mine"], BIDDERS.summaries["of-mine"]
    assert first == again != other
    assert (before != after).any()


def test_a_perceptron_of_a_file_is_the_formula(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    one, two = random.normal(size=(4, 7)), random.normal(size=(1, 4))
    shift, seen = random.normal(size=4), random.normal(size=(5, 7)).astype(np.float32)
    arrays = {"weight_0": one, "bias_0": shift, "weight_1": two, "bias_1": np.ones(1)}
    for activation, rule in (("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0))):
        path = saved(tmp_path / "mlp.npz", **arrays, activation=activation)
        want = np.tanh(rule(seen @ one.T + shift) @ two.T + 1)
        np.testing.assert_allclose(mlp_from(path)(seen), want, rtol=1e-5, atol=1e-6)
    plain = mlp_from(saved(tmp_path / "plain.npz", **arrays, squash=None))
    np.testing.assert_allclose(plain(seen), np.tanh(seen @ one.T + shift) @ two.T + 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"bias_0": None}, "it must hold weight_0 and bias_0"),
        ({"weight_0": None}, "it must hold weight_0 and bias_0"),
        ({"bias_0": np.zeros(2)}, r"weight_0 of shape \(1, 18\) does not go with bias_0 of \(2,\)"),
        (
            {"weight_1": np.ones((1, 3)), "bias_1": np.ones(1)},
            r"weight_1 of shape \(1, 3\) does not go with the 1 outputs before it",
        ),
        ({"weight_0": np.ones((2, 18)), "bias_0": np.ones(2)}, "last layer has 2 outputs"),
        ({"activation": "tan"}, "activation 'tan' is none of relu"),
    ],
)
def test_files_that_hold_no_perceptron_are_told(
    tmp_path: Path, arrays: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        mlp_from(saved(tmp_path / "mlp.npz", **arrays))
    assert "mlp.npz" in str(error.value)


def test_what_is_no_file_of_arrays_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mlp.npz"
    with pytest.raises(InputError, match="there is no such file"):
        mlp_from(path)
    np.save(tmp_path / "one.npy", np.ones(3))
    whole = saved(path).read_bytes()
    for wrong in (b"", b"text", whole[: len(whole) // 2], (tmp_path / "one.npy").read_bytes()):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=r"mlp\.npz: (it is no file of arrays|the archive)"):
            mlp_from(path)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (lambda seen: np.ones((len(seen), 2)), r"shape \(5, 2\) for 5 observations"),
        (lambda seen: 0.5, r"shape \(\) for 5 observations"),
        (lambda seen: np.full(len(seen), np.nan), "not finite"),
    ],
)
def test_policies_that_do_not_answer_are_told(policy: Callable[..., Any], sentence: str) -> None:
    log = day_before(market_days("demo", sizes=SIZES)(0), gsp())
    with pytest.raises(InputError, match=sentence):
        policy_bidder(policy)(log)
    with pytest.raises(InputError, match="no head 'incremen'; try increment"):
        policy_bidder(policy, head="incremen")
    with pytest.raises(InputError, match="no observer 'pac'"):
        policy_bidder(policy, "pac")(log)
