"""Settings that learning algorithms share, each declared once with the numbers it takes.

An algorithm's settings are a frozen dataclass that inherits what it needs of these, and gives its
own defaults where it needs others. `equibid list ALGORITHM` shows names, values and meanings, so
every meaning stands alone.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.envs.problem import World
from equibid.learning.structure import Sharing
from equibid.settings import Within

Count = Annotated[int, Within(least=1)]
Positive = Annotated[float, Within(above=0)]
NotNegative = Annotated[float, Within(least=0)]
Share = Annotated[float, Within(least=0, most=1)]
Sizes = tuple[Count, ...]


@dataclass(frozen=True)
class EnvConfig:
    """The game to learn."""

    observer: str = "pace+traits"
    """What agents see: the name of an observer, or names joined by +; see equibid list."""
    reward: str = "value"
    """What agents learn to collect: the name of a reward, as cpa-score:dense=1; see equibid list."""
    world: World = "market"
    """Where agents learn: "market", where all meet, or "log", where each buys at the prices of the
    training log."""
    num_envs: Count = 8
    """Periods that are played in parallel in a training step."""


@dataclass(frozen=True)
class CooperationConfig:
    """Who learns for whom, and from whom."""

    structure: str = "competitive"
    """Whose reward an agent learns from: independent, competitive, cooperative, teams:category,
    teams:4 or teams:0,0,1."""
    parameter_sharing: Sharing = "shared"
    """Whose networks an agent uses: "shared", those of all; "separate", its own; "team", its
    team's."""
    message_size: Annotated[int, Within(least=0)] = 0
    """Numbers in the message that an agent sends to its team-mates before every step; 0 sends
    none."""


@dataclass(frozen=True)
class ActorCriticConfig:
    """The optimisers of an actor and a critic, Adam both."""

    actor_learning_rate: Positive = 3e-4
    """Learning rate of the actor."""
    critic_learning_rate: Positive = 1e-3
    """Learning rate of the critic."""


@dataclass(frozen=True)
class ReplayConfig:
    """What is kept of the past, and how much of it a training step learns from."""

    buffer_size: Count = 64
    """Periods that the replay keeps, the latest ones."""
    batch_size: Count = 256
    """Steps of the game in a batch, of all agents each."""
    num_updates: Count = 16
    """Batches learned from in a training step."""


@dataclass(frozen=True)
class HeadConfig:
    """What an action does to the bidding factor."""

    head: Literal["increment", "multiple", "paced"] = "increment"
    """What an action changes: the factor bid last ("increment"), that of the day before
    ("multiple"), or that of the day before, raised and lowered with money left over time left
    ("paced")."""
    action_scale: Positive = 0.1
    """What an action of 1 adds to the natural logarithm of the factor."""
