"""What USCB remembers of the periods it probed."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.uscb.config import UscbConfig
from equibid.learning.algorithms.uscb.probe_rollouts import Probes
from equibid.learning.algorithms.uscb.score import score
from equibid.learning.replay.buffer import Replay, replay


class Transition(NamedTuple):
    """What is kept of the P probes of an episode.

    Attributes:
        seen: before the probe.
        present: who had money and learns.
        last_factor: log of the factor bid before it over the start.
        held: log of the factor held over the start.
        gained: reward before it over R*.
        score: G.
    """

    seen: Float[Array, "*E P N F"]
    present: Bool[Array, "*E P N"]
    last_factor: Float[Array, "*E P N"]
    held: Float[Array, "*E P N"]
    gained: Float[Array, "*E P N"]
    score: Float[Array, "*E P N"]


def empty_replay(settings: UscbConfig, task: Task) -> Replay:
    """A replay of as many episodes as hold about `buffer_size` probes of one agent."""
    N, F, P = task.game.agents, task.game.features, settings.num_probes
    number = jnp.zeros((P, N), jnp.float32)
    seen = jnp.zeros((P, N, F), jnp.float32)
    example = Transition(seen, jnp.zeros((P, N), bool), number, number, number, number)
    kept = max(settings.buffer_size // (P * N), settings.num_envs)
    return replay(example, kept, P)


def remember(
    settings: UscbConfig,
    task: Task,
    start: Float[Array, " N"],
    best: Float[Array, " N"],
    probes: Probes,
) -> Transition:
    """What the replay keeps of probes.

    Args:
        settings: of the algorithm.
        task: what is learned.
        start: the factor before the first tick, currency per value unit.
        best: R*, in the reward's unit.
        probes: as played.
    """

    def depth(factor: Array) -> Array:
        return jnp.log(factor / start).astype(jnp.float32)

    target = task.game.campaigns.target_cpa
    return Transition(
        probes.seen,
        probes.present,
        depth(probes.last_factor),
        depth(probes.held),
        (probes.gained / best).astype(jnp.float32),
        score(settings, target, best, probes.gain, probes.value, probes.spend).astype(jnp.float32),
    )
