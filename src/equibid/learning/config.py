"""Settings that learning algorithms share, each declared once with the numbers it takes.

An algorithm's settings are a frozen dataclass that inherits what it needs of these, and gives its
own defaults where it needs others. `equibid list ALGORITHM` shows names, values and meanings, so
every meaning stands alone.
"""

from dataclasses import dataclass, fields
from typing import Annotated, Literal, get_type_hints

from equibid.envs.problem import EnvMode
from equibid.errors import InputError
from equibid.learning.losses.actor_critic import Moves
from equibid.learning.networks.communication import check_talk
from equibid.learning.structure import Sharing, structure_named
from equibid.settings import Within, as_text, fits, told

Count = Annotated[int, Within(least=1)]
Positive = Annotated[float, Within(above=0)]
NotNegative = Annotated[float, Within(least=0)]
Share = Annotated[float, Within(least=0, most=1)]
Sizes = tuple[Count, ...]


@dataclass(frozen=True)
class Config:
    """Settings that refuse what a field does not take, however they are made."""

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self), include_extras=True)
        for field in fields(self):
            value = getattr(self, field.name)
            if not fits(kinds[field.name], value):
                raise InputError(
                    f"{type(self).__name__.lower()}: {field.name} must be "
                    f"{told(kinds[field.name])}, not {as_text(value)}"
                )

    def refuse(self, wrong: bool, sentence: str) -> None:
        """Refuse settings that are wrong together.

        Raises:
            InputError: they are; says the sentence behind the algorithm's name.
        """
        if wrong:
            raise InputError(f"{type(self).__name__.lower()}: {sentence}")


@dataclass(frozen=True)
class EnvConfig(Config):
    """The game to learn."""

    reward: str = "value"
    """What agents learn to collect: the name of a reward with its settings, as cpa-score:dense=1;
    equibid list shows the rewards."""
    env_mode: EnvMode = "market"
    """Where agents learn: "market", where all meet, or "log", where each buys at the prices of the
    training log."""
    num_envs: Count = 8
    """Periods that are played in parallel in a training step."""


@dataclass(frozen=True)
class ObservedConfig(EnvConfig):
    """The game to learn, and what agents see of it."""

    observer: str = "pace+traits"
    """What agents see: the name of an observer, or several joined by +; equibid list shows them."""


@dataclass(frozen=True)
class CooperationConfig(Config):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        check_talk(structure_named(self.structure), self.message_size)


@dataclass(frozen=True)
class ActorCriticConfig(Config):
    """The optimisers of an actor and a critic, Adam both."""

    actor_learning_rate: Positive = 3e-4
    """Learning rate of the actor."""
    critic_learning_rate: Positive = 1e-3
    """Learning rate of the critic."""


@dataclass(frozen=True)
class ReplayConfig(Config):
    """What is kept of the past, and how much of it a training step learns from."""

    buffer_size: Count = 64
    """Periods that the replay keeps, the latest ones."""
    batch_size: Count = 256
    """Steps of the game in a batch, each of all agents."""
    num_updates: Count = 16
    """Batches learned from in a training step."""


@dataclass(frozen=True)
class PeriodReplayConfig(ReplayConfig, EnvConfig):
    """A replay of whole periods, which holds those of a training step at least."""

    def __post_init__(self) -> None:
        super().__post_init__()
        short = self.buffer_size < self.num_envs
        self.refuse(short, "buffer_size must hold the num_envs periods of a step; raise it")


@dataclass(frozen=True)
class HeadConfig(Config):
    """What an action does to the bidding factor, and from what return a critic starts."""

    hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of actors and critics."""
    head: Moves = "increment"
    """What an action changes: the factor bid last ("increment"), that of the day before
    ("multiple"), or that of the day before, raised and lowered with money left over time left
    ("paced")."""
    action_scale: Positive = 0.1
    """What an action of 1 adds to the natural logarithm of the factor."""
    critic_baseline: Literal["money", "none"] = "money"
    """What a critic starts from: the return that money left usually brings ("money"), or
    nothing."""
