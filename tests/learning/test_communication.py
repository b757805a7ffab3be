"""Who hears whom, by gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.errors import InputError
from equibid.learning.networks.communication import Actor, CommActor, actor, check_talk
from equibid.learning.structure import Sharing, structure_named
from learning.filled import filled

N, F = 5, 3
TEAMS = jnp.asarray(np.array([0, 0, 2, 2, 4]))
SEEN = np.random.default_rng(0).normal(size=(N, F)).astype(np.float32)
SHARING: list[Sharing] = ["shared", "separate", "team"]


def made(bandwidth: int, sharing: Sharing = "shared") -> Actor:
    # No unit of a tanh is ever dead.
    sizes: dict[str, Any] = {"hidden": (8,), "activation": "tanh", "sharing": sharing}
    return filled(lambda: actor(jax.random.key(1), F, 1, N, bandwidth=bandwidth, **sizes))


def influence(bandwidth: int, sharing: Sharing) -> np.ndarray:
    """[i, j]: how much agent i's action changes with what agent j sees."""
    networks = made(bandwidth, sharing)
    jacobian = jax.jit(jax.jacobian(lambda seen: networks(seen, TEAMS)[:, 0]))
    return np.abs(np.asarray(jacobian(SEEN))).sum(axis=-1)


@pytest.mark.parametrize("sharing", SHARING)
def test_without_bandwidth_an_action_depends_on_ones_own_observation_alone(
    sharing: Sharing,
) -> None:
    felt = influence(0, sharing)
    assert (felt[~np.eye(N, dtype=bool)] == 0).all()
    assert (np.diag(felt) > 0).all()


@pytest.mark.parametrize("sharing", SHARING)
def test_with_bandwidth_it_depends_on_mates_and_on_nobody_else(sharing: Sharing) -> None:
    teammates = np.asarray(TEAMS)[:, None] == np.asarray(TEAMS)
    felt = influence(1, sharing)
    assert (felt[~teammates] == 0).all()
    assert (felt[teammates] > 0).all()


def test_what_to_say_is_learned_from_what_mates_do() -> None:
    def first_agents_action(networks: Actor) -> jax.Array:
        return networks(SEEN, TEAMS)[0, 0]

    slope = jax.jit(jax.grad(first_agents_action))(made(2, "separate"))
    assert slope.say is not None
    speakers = np.abs(np.asarray(slope.say.network.layers[0].weight)).sum(axis=(1, 2))
    np.testing.assert_array_equal(speakers > 0, [False, True, False, False, False])


def test_a_team_has_one_network() -> None:
    alike = np.broadcast_to(SEEN[:1], (N, F))
    said = np.asarray(jax.jit(lambda: made(0, "team")(alike, TEAMS))())[:, 0]
    assert said[0] == said[1] and said[2] == said[3]
    assert len(set(said.tolist())) == 3


def test_a_bidders_network_scales_and_bounds() -> None:
    networks = made(0)
    plain, scaled, bounded = jax.jit(
        lambda: (
            networks(SEEN, TEAMS),
            CommActor(networks, TEAMS, 0.5)(SEEN),
            CommActor(networks, TEAMS, 0.5, bounded=True)(SEEN),
        )
    )()
    np.testing.assert_allclose(scaled, 0.5 * plain, rtol=1e-6)
    np.testing.assert_allclose(bounded, 0.5 * np.tanh(plain), rtol=1e-5)


def test_messages_need_somebody_to_hear_them() -> None:
    check_talk(structure_named("teams:2"), 1)
    check_talk(structure_named("independent"), 0)
    with pytest.raises(InputError, match="nobody to talk to"):
        check_talk(structure_named("competitive"), 1)
    with pytest.raises(InputError, match="at least 0"):
        check_talk(structure_named("cooperative"), -1)
