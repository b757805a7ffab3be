"""Actors that may talk: each agent tells its mates a few numbers, and hears the mean of theirs.

    m_i = tanh(W(o_i)) in (-1, 1)^b,   h_i = mean of m_j over the mates j of i,   a_i = μ(o_i, h_i)

What is seen before a tick is what the ticks before it told, so messages are exchanged between two
ticks and none is waited for within one. What to say is learned with what to do: the policy's
gradient flows through h_i into the mates' W. The bandwidth b is 0 unless asked for: then nothing is
said, and every agent acts on what it sees itself. Who is out of the market is silent, and so is a
mate whose seat another bidder has: the mean is over those that talk.

Sources: Sukhbaatar, Szlam and Fergus, "Learning multiagent communication with backpropagation",
2016 (the mean of the others); Foerster et al., "Learning to communicate with deep multi-agent
reinforcement learning", 2016 (gradients through messages).
"""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.errors import InputError
from equibid.learning.networks.mlp import MLP, Policies, mlp, policies
from equibid.learning.structure import Sharing, Structure, mates_mean


class Actor(eqx.Module):
    """The networks of N agents; float32.

    Attributes:
        act: from what is seen and heard to the action.
        say: from what is seen to the message; None with bandwidth 0.
        sharing: whose weights an agent uses. With "team" there are as many networks as with
            "separate", and only those of the teams' first members are used.
    """

    act: Policies
    say: Policies | None
    sharing: Sharing = eqx.field(static=True)

    def __call__(
        self,
        seen: Float[Array, "... N F"],
        teams: Int[Array, " N"],
        talks: Bool[Array, "... N"] | None = None,
    ) -> Float[Array, "... N A"]:
        """The actions.

        Args:
            seen: by each agent.
            teams: of each agent, as `Structure.teams` gives.
            talks: whose messages are heard; None for all.
        """
        if self.say is not None:
            message = jnp.tanh(used(self.say, self.sharing, teams)(seen))
            seen = jnp.concatenate([seen, mates_mean(message, teams, talks)], axis=-1)
        return used(self.act, self.sharing, teams)(seen)


class CommActor(eqx.Module):
    """An actor with its teams: what a bidder runs. Its agents talk inside of it.

    Attributes:
        actor: the networks.
        teams: of each agent.
        scale: by which actions are multiplied.
        bounded: whether actions are first brought into (-1, 1) by a tanh.
    """

    actor: Actor
    teams: Int[Array, " N"]
    scale: float = eqx.field(static=True, default=1.0)
    bounded: bool = eqx.field(static=True, default=False)

    def __call__(
        self, seen: Float[Array, "... N F"], talks: Bool[Array, "... N"] | None = None
    ) -> Float[Array, "... N A"]:
        """The actions; `talks` as an `Actor` takes it."""
        action = self.actor(seen, self.teams, talks)
        return self.scale * (jnp.tanh(action) if self.bounded else action)


def used(networks: Policies, sharing: Sharing, teams: Int[Array, " N"]) -> Policies:
    """The networks as agents use them: that of its team's first member, or as they are."""
    if sharing != "team":
        return networks
    return eqx.tree_at(
        lambda x: x.network, networks, jax.tree.map(lambda w: w[teams], networks.network)
    )


def actor(
    key: jax.Array,
    features: int,
    actions: int,
    agents: int,
    *,
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
    sharing: Sharing = "shared",
    bandwidth: int = 0,
    last_scale: float = 0.01,
) -> Actor:
    """An untrained actor.

    Args:
        key: of the weights.
        features: F.
        actions: A.
        agents: N.
        hidden: widths.
        activation: a name in `equibid.learning.networks.mlp.ACTIVATIONS`.
        sharing: whose network an agent uses.
        bandwidth: numbers of a message.
        last_scale: gain of the last layer of actions; messages start at 1.
    """
    one, two = jax.random.split(key)
    groups = None if sharing == "shared" else range(agents)

    def network(inputs: int, outputs: int, scale: float) -> Callable[[jax.Array], MLP]:
        def make(key: jax.Array) -> MLP:
            sizes = (inputs, *hidden, outputs)
            return mlp(key, sizes, activation=activation, last_scale=scale)

        return make

    act = policies(one, network(features + bandwidth, actions, last_scale), groups)
    say = policies(two, network(features, bandwidth, 1.0), groups) if bandwidth else None
    return Actor(act, say, sharing)


def check_talk(structure: Structure, bandwidth: int) -> None:
    """Refuse messages that nobody could hear.

    Raises:
        InputError: the bandwidth is below 0, or nobody has a mate.
    """
    if bandwidth < 0:
        raise InputError(f"bandwidth {bandwidth}: a message has at least 0 numbers")
    if bandwidth and structure.solitary:
        raise InputError(
            f"bandwidth {bandwidth}: agents without mates have nobody to talk to; choose structure="
            "cooperative or teams:…, or bandwidth=0"
        )
