"""The settings of DRLB."""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.envs.problem import EnvMode
from equibid.learning.config import (
    Count,
    NotNegative,
    ObservedConfig,
    Positive,
    ReplayConfig,
    Share,
    Sizes,
)
from equibid.settings import Within

SEVEN = (-0.08, -0.03, -0.01, 0.0, 0.01, 0.03, 0.08)
ELEVEN = (-0.5, -0.15, -0.08, -0.03, -0.01, 0.0, 0.01, 0.03, 0.08, 0.15, 0.5)


@dataclass(frozen=True)
class DrlbConfig(ReplayConfig, ObservedConfig):
    """Settings of DRLB."""

    observer: str = "drlb+traits"
    env_mode: EnvMode = "log"
    num_envs: Count = 4
    action_values: tuple[float, ...] = SEVEN
    """β, the shares by which λ may change in a tick, ascending from above -1."""
    step_reward: Literal["best", "quantile", "direct"] = "best"
    """What a step is paid with: the best return that followed a step like it ("best"), a high
    quantile of returns ("quantile"), or what it won ("direct")."""
    quantile: Annotated[float, Within(above=0, most=1)] = 0.9
    """Which quantile of returns, under step_reward=quantile."""
    init_ratio: Annotated[float, Within(least=1)] = 2.0
    """In training the first λ is off by up to this ratio, up or down."""
    hidden_sizes: Sizes = (100, 100, 100)
    """Widths of the hidden layers of both networks."""
    learning_rate: Positive = 1e-3
    """Learning rate of both networks."""
    num_updates: Count = 40
    reward_warmup: Annotated[int, Within(least=0)] = 5
    """Training steps, at first, in which RewardNet learns and Q does not."""
    batch_size: Count = 512
    """Steps of single campaigns in a batch."""
    buffer_size: Count = 400_000
    """Steps of single campaigns that the replay keeps, about."""
    tau: Share = 0.01
    """Share by which the target network moves towards Q when it moves; it is the policy."""
    target_update_every: Count = 1
    """Updates after which the target network moves."""
    epsilon: tuple[Share, Share] = (0.95, 0.05)
    """Share of random actions, at first and at last."""
    anneal_steps: Count = 100
    """Training steps in which the share of random actions goes from its first to its last value."""
    multimodal_epsilon: Share = 0.5
    """Least share of random actions where Q has more than one peak."""
    per_alpha: NotNegative = 0.6
    """Exponent of errors in the priorities of prioritised replay."""
    per_beta: Share = 0.4
    """Share of the bias of prioritised replay that weights take away."""
    table_size: Count = 2**20
    """Places in the dictionary of best returns."""
    return_window: Count = 50
    """Training steps after which a best return is dropped."""
    bin_width: Positive = 0.1
    """Width of the bins into which states are cut for the dictionary."""

    def __post_init__(self) -> None:
        super().__post_init__()
        values = self.action_values
        wrong = len(values) < 2 or list(values) != sorted(set(values)) or values[0] <= -1
        self.refuse(wrong, "action_values must ascend, two at least, from above -1")
        self.refuse(self.quantile == 1, "quantile must be below 1")
