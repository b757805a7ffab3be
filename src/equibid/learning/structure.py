"""Who works with whom: agents as independent learners, opponents, one team, or several.

| structure | a team is | an agent wants | its critic sees |
| --- | --- | --- | --- |
| `independent` | one agent | its own reward | the agent alone |
| `competitive` | one agent | its own reward | all agents |
| `cooperative` | all agents | the reward of all | all agents |
| `teams:category` | the campaigns of a category | its team's reward | all agents |
| `teams:4` | agents 0–3, 4–7, … | its team's reward | all agents |
| `teams:0,0,1` | as listed, a number an agent | its team's reward | all agents |

What critics see is training only; every agent bids from what it sees itself.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.errors import InputError
from equibid.markets.market import Campaigns

# Whose network an agent uses: the one of all, its own, or its team's.
Sharing = Literal["shared", "separate", "team"]


@dataclass(frozen=True)
class Structure:
    """A structure of agents; `structure_named` makes one.

    Attributes:
        size: agents of a team, in the order of the market; 0 for all of them.
        listed: the team of each agent; empty unless listed.
        by_category: whether a team is a category, whatever `size` is.
        central: whether critics see all agents.
    """

    size: int = 1
    listed: tuple[int, ...] = ()
    by_category: bool = False
    central: bool = True

    @property
    def solitary(self) -> bool:
        """Whether nobody has a mate, whatever the market."""
        return self.size == 1 and not self.listed and not self.by_category

    @property
    def teamed(self) -> bool:
        """Whether there are teams between one agent and all."""
        return self.by_category or bool(self.listed) or self.size > 1

    def teams(self, campaigns: Campaigns) -> Int[Array, " N"]:
        """The team of each agent, called by the number of its first member.

        Raises:
            InputError: teams are listed for another number of agents.
        """
        N = campaigns.count
        if self.by_category:
            return first_alike(campaigns.category)
        if not self.listed:
            size = self.size or N
            return jnp.arange(N, dtype=jnp.int32) // size * size
        if len(self.listed) != N:
            raise InputError(
                f"structure: {len(self.listed)} teams are listed for {N} agents; list one each"
            )
        return first_alike(jnp.asarray(self.listed))


def first_alike(label: Int[Array, " N"]) -> Int[Array, " N"]:
    """The first agent with each agent's label."""
    return jnp.argmax(label[:, None] == label, axis=1).astype(jnp.int32)


def structure_named(text: str) -> Structure:
    """The structure a setting names, as in the table above.

    Raises:
        InputError: it names none.
    """
    kind, _, told = text.strip().partition(":")
    if kind in KNOWN and not told:
        return KNOWN[kind]
    if kind == "teams" and told == "category":
        return Structure(by_category=True)
    numbers = [part.strip() for part in told.split(",")]
    if kind == "teams" and all(part.isdecimal() for part in numbers):
        if len(numbers) > 1:
            return Structure(listed=tuple(map(int, numbers)))
        if int(told) > 0:
            return Structure(size=int(told))
    raise InputError(
        f"structure {text!r} is none; write {', '.join(KNOWN)}, teams:category, teams:SIZE or "
        "teams:0,0,1 with the team of each agent"
    )


KNOWN = {
    "independent": Structure(central=False),
    "competitive": Structure(),
    "cooperative": Structure(size=0),
}


def aims(teams: Int[Array, " N"]) -> Float[Array, "N N"]:
    """What each agent wants: in row i a one for every agent whose reward counts for agent i."""
    return (teams[:, None] == teams).astype(jnp.float64)


def team_sum(x: Float[Array, "... N"], teams: Int[Array, " N"]) -> Float[Array, "... N"]:
    """The sum over each agent's team, ``x @ aims(teams)``, in O(N)."""
    N = teams.shape[0]
    sums = jax.ops.segment_sum(jnp.moveaxis(x, -1, 0), teams, N)
    return jnp.moveaxis(sums[teams], 0, -1)


def mates_mean(
    x: Float[Array, "... N A"], teams: Int[Array, " N"], counted: Bool[Array, "... N"] | None = None
) -> Float[Array, "... N A"]:
    """The mean over each agent's mates, itself left out; zero where it has none.

    Args:
        x: of each agent.
        teams: of each agent.
        counted: who counts; None for all.
    """
    counts = jnp.ones(x.shape[:-1], x.dtype) if counted is None else counted.astype(x.dtype)
    rows = jnp.where(counts[..., None, :] > 0, jnp.moveaxis(x, -1, -2), 0)
    others = team_sum(rows, teams) - rows
    teammates = team_sum(counts, teams) - counts
    return jnp.moveaxis(others / jnp.maximum(teammates, 1)[..., None, :], -2, -1)


def scaled_reward(
    reward: Float[Array, "... N"],
    best: Float[Array, " N"],
    learns: Bool[Array, "... N"],
    teams: Int[Array, " N"],
) -> Float[Array, "... N"]:
    """What agents are trained on: their team's reward over what the team's best buys; float32.

    Args:
        reward: of each agent, in the reward's unit.
        best: by which an agent's return is divided, in the reward's unit per episode.
        learns: agents that count; what the others get is not the team's to steer.
        teams: of each agent.
    """
    size = team_sum(jnp.where(learns, best, 0.0), teams)
    own = jnp.where(learns, reward, 0)
    return (team_sum(own, teams) / jnp.where(size > 0, size, 1)).astype(jnp.float32)
