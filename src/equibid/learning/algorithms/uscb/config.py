"""The settings of USCB."""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.envs.heads import Head, Increment, ScaledSigmoid
from equibid.envs.problem import EnvMode
from equibid.learning.config import (
    ActorCriticConfig,
    Count,
    NotNegative,
    ObservedConfig,
    Positive,
    ReplayConfig,
    Sizes,
)
from equibid.settings import Within


@dataclass(frozen=True)
class UscbConfig(ReplayConfig, ActorCriticConfig, ObservedConfig):
    """Settings of USCB."""

    env_mode: EnvMode = "log"
    target: Literal["none", "cpa"] = "none"
    """"cpa" fines a cost per value unit above each advertiser's target, and its R* keeps the
    target; "none" knows no targets."""
    num_envs: Count = 4
    num_probes: Count = 8
    """Ticks of each period at which a copy of the market plays on with the factors held."""
    head: Literal["increment", "multiple"] = "increment"
    """What the actor says: how to move the factor bid last ("increment"), or what multiple of the
    start it is ("multiple")."""
    action_scale: Positive = 0.2
    """The most that the natural logarithm of the factor moves in a tick, under "increment"."""
    max_multiple: Annotated[float, Within(above=1)] = 10.0
    """The highest factor, as a multiple of that of the day before, under "multiple"."""
    init_noise_std: NotNegative = 0.5
    """Standard deviation of the logarithm of what the first factor is multiplied by, in
    training."""
    noise_std: NotNegative = 0.1
    """Standard deviation of the noise on actions."""
    probe_std: NotNegative = 0.3
    """Standard deviation of the logarithm of the factor held over the policy's."""
    actor_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of the actor."""
    critic_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of the critic."""
    critic_warmup: Annotated[int, Within(least=0)] = 5
    """Training steps, at first, in which the critic learns and the actor does not."""
    num_updates: Count = 20
    batch_size: Count = 2048
    """Probes of one agent in a batch."""
    buffer_size: Count = 100_000
    """Probes of one agent that the replay keeps, about."""
    max_reward: float = 1.0
    """The most that R / R* counts."""
    penalty_coef: NotNegative = 1.0
    """λ, the weight of the fine."""
    penalty_base: Annotated[float, Within(above=1)] = 3.0
    """γ, the base of the fine, which grows as a power of it."""

    @property
    def rule(self) -> Head:
        """From actions to factors."""
        return (
            Increment(self.action_scale)
            if self.head == "increment"
            else ScaledSigmoid(self.max_multiple)
        )
