"""V_i of what all agents see, or of what agent i sees alone.

    e_j = ReLU(W o_j),    V_i = head([o_i, mean_j e_j, mean of e_j over the mates j of i])

with means over who is present: any number of agents costs O(N), and their order does not matter.
The mean of the mates is there only where there are teams between one agent and all.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.networks.communication import used
from equibid.learning.networks.mlp import MLP, Linear, Policies, linear, mlp, policies
from equibid.learning.structure import Sharing, Structure, team_sum


class CentralValue(eqx.Module):
    """The critic; float32.

    Attributes:
        encode: W, the same for all; None for a critic that sees its own agent alone.
        head: of each agent.
        teamed: whether the mean of the team is seen, too.
        sharing: whose head an agent uses.
    """

    encode: Linear | None
    head: Policies
    teamed: bool = eqx.field(static=True)
    sharing: Sharing = eqx.field(static=True)

    def __call__(
        self,
        seen: Float[Array, "... N F"],
        present: Bool[Array, "... N"],
        teams: Int[Array, " N"],
    ) -> Float[Array, "... N"]:
        """The values.

        Args:
            seen: by each agent.
            present: who is seen by the critic.
            teams: of each agent.
        """
        parts = [seen]
        if self.encode is not None:
            here = present.astype(seen.dtype)
            each = jax.nn.relu(self.encode(seen)) * here[..., None]
            count = jnp.maximum(here.sum(axis=-1), 1)[..., None, None]
            parts.append(jnp.broadcast_to(each.sum(axis=-2, keepdims=True) / count, each.shape))
            if self.teamed:
                count = jnp.maximum(team_sum(here, teams), 1)[..., None]
                sums = jnp.swapaxes(team_sum(jnp.swapaxes(each, -1, -2), teams), -1, -2)
                parts.append(sums / count)
        return used(self.head, self.sharing, teams)(jnp.concatenate(parts, axis=-1))[..., 0]


def central_value(
    key: jax.Array,
    features: int,
    agents: int,
    structure: Structure,
    sharing: Sharing,
    hidden: Sequence[int],
) -> CentralValue:
    """An untrained critic; the last of the widths is also that of the encoding.

    Args:
        key: of the weights.
        features: F.
        agents: N.
        structure: tells what the critic sees.
        sharing: whose head an agent uses.
        hidden: widths.
    """
    one, two = jax.random.split(key)
    D = hidden[-1]
    teamed = structure.central and structure.teamed
    inputs = features + D * (structure.central + teamed)

    def make(key: jax.Array) -> MLP:
        return mlp(key, (inputs, *hidden, 1), last_scale=0.1)

    head = policies(two, make, None if sharing == "shared" else range(agents))
    encode = linear(one, features, D, 2**0.5) if structure.central else None
    return CentralValue(encode, head, teamed, sharing)
