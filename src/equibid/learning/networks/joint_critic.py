"""Q_i of what all agents see and do: one sum over agents for all i, corrected for i's own action.

The first layer of agent i reads its own observation and action, and everybody's side by side:

    h_i = own([o_i, u_i]) + Σ_j J_j [o_j, a_j] + (u_i - a_i) J_i^action,    Q_i = head(ReLU(h_i))

a are the actions that were played and u_i what i does instead; j runs over the agents whose action
was bid, so neither over those without money nor over seats that an opponent drives. The sum is the
same for all i that share weights, so N critics cost O(N) and not O(N²); and the gradient through u
is each agent's own, as in Q_i(o, a_1 … u_i … a_N).
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from equibid.errors import InputError
from equibid.learning.networks.communication import used
from equibid.learning.networks.mlp import MLP, Policies, mlp, policies
from equibid.learning.structure import Sharing

# Weights of the joint layers of critics of their own, at most: 1 GB in float32.
MOST = 2**28
# Of the joint layer beside the own one: at first others are heard softly.
SOFT = 0.3


class JointCritic(eqx.Module):
    """The critics of N agents; float32.

    Attributes:
        own: to D, from an agent's own.
        joint: J, one for all (G = 1) or one an agent; None for critics that see their own alone.
        head: from D to Q.
        sharing: whose weights an agent uses.
    """

    own: Policies
    joint: Float[Array, "G N F+A D"] | None
    head: Policies
    sharing: Sharing = eqx.field(static=True)

    def __call__(
        self,
        seen: Float[Array, "... N F"],
        own: Float[Array, "... N A"],
        played: Float[Array, "... N A"],
        present: Bool[Array, "... N"],
        teams: Int[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The values.

        Args:
            seen: by each agent.
            own: u, what each agent does in its own value.
            played: a, what it does in the others'.
            present: whose action is bid; what the others say is in no value.
            teams: of each agent.
        """
        here = present[..., None]
        own = jnp.where(here, own, 0)
        hidden = used(self.own, self.sharing, teams)(jnp.concatenate([seen, own], axis=-1))
        if self.joint is not None:
            joint = self.joint[teams] if self.sharing == "team" else self.joint
            played = jnp.where(here, played, 0)
            rows = jnp.concatenate([jnp.where(here, seen, 0), played], axis=-1)
            F, G, N = seen.shape[-1], joint.shape[0], seen.shape[-2]
            hidden += jnp.einsum("...ji,gjid->...gd", rows, joint)
            # Each agent's own place in its own critic.
            place = joint[np.arange(N) if G > 1 else 0, np.arange(N), F:]
            hidden += jnp.einsum("...na,nad->...nd", own - played, place)
        return used(self.head, self.sharing, teams)(jax.nn.relu(hidden))[..., 0]


def joint_critic(
    key: jax.Array,
    features: int,
    actions: int,
    agents: int,
    *,
    central: bool,
    sharing: Sharing,
    hidden: Sequence[int],
    layer_norm: bool,
) -> JointCritic:
    """Untrained critics.

    Args:
        key: of the weights.
        features: F.
        actions: A.
        agents: N.
        central: whether critics see all agents.
        sharing: whose critic an agent uses.
        hidden: widths, at least one; the first is D.
        layer_norm: normalise in the head.

    Raises:
        InputError: as many critics of so many agents would need more than 1 GB.
    """
    one, two, three = jax.random.split(key, 3)
    inputs, D, N = features + actions, hidden[0], agents
    G = 1 if sharing == "shared" else N
    groups = None if sharing == "shared" else range(N)
    if central and G * N * inputs * D > MOST:
        raise InputError(
            f"critics of their own for {N} agents, each of all {N}, do not fit in memory; choose "
            "sharing=shared or structure=independent"
        )

    def first(key: jax.Array) -> MLP:
        return mlp(key, (inputs, D), last_scale=2**0.5)

    def rest(key: jax.Array) -> MLP:
        return mlp(key, (*hidden, 1), last_scale=0.1, layer_norm=layer_norm)

    joint = None
    if central:
        scale = SOFT / (N * inputs) ** 0.5
        joint = scale * jax.random.normal(two, (G, N, inputs, D), jnp.float32)
    return JointCritic(policies(one, first, groups), joint, policies(three, rest, groups), sharing)
