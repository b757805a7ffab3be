"""The settings of attention-critic coordinated bidding."""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.learning.config import (
    ActorCriticConfig,
    Count,
    NotNegative,
    ObservedConfig,
    PeriodReplayConfig,
    Positive,
    Share,
    Sizes,
)
from equibid.settings import Within


@dataclass(frozen=True)
class AttentionCriticConfig(PeriodReplayConfig, ActorCriticConfig, ObservedConfig):
    """Settings of attention-critic coordinated bidding."""

    observer: str = "auction+traits"
    temperature: NotNegative | Literal["adaptive", "team", "independent"] = "adaptive"
    """How far an agent learns for itself: by how much it competes ("adaptive"), or by a fixed
    temperature; 0 is "team", without end is "independent"."""
    temperature_step: float = 0.25
    """How much more an agent that falls behind learns for itself, under "adaptive"."""
    parameter_sharing: Literal["shared", "separate"] = "shared"
    """Whether agents share one actor, told apart by what they see, or have their own."""
    bid_cap: Literal["factor", "paced", "budget"] = "factor"
    """The highest bid: a multiple of the day before's factor ("factor"), that multiple raised and
    lowered with money left over time left ("paced"), or all the money that is left ("budget")."""
    max_multiple: Annotated[float, Within(above=1)] = 4.0
    """The highest factor, as a multiple of that of the day before."""
    actor_hidden_sizes: Sizes = (64, 64)
    """Widths of the hidden layers of an actor."""
    critic_hidden_size: Count = 64
    """Width of the critic; its head is twice as wide."""
    num_heads: Count = 4
    """Heads of the critic's attention; divides critic_hidden_size."""
    num_neighbours: Count = 16
    """Competitors that the critic attends to one by one, where there are more than 64 agents."""
    num_critics: Count = 1
    """Critics; of two the lower value is believed."""
    dropout: Share = 0.1
    """Share of the critic's hidden units that are dropped in training."""
    num_updates: Count = 8
    """Updates of the actors in a training step."""
    policy_delay: Count = 2
    """Updates of the critic for each of the actors."""
    batch_size: Count = 128
    max_rows: Count | None = 4096
    """Most agents' steps in a batch; among many agents it holds fewer steps of the game; none for
    no limit."""
    buffer_size: Count = 128
    actor_learning_rate: Positive = 1e-4
    critic_learning_rate: Positive = 1e-3
    tau: Share = 0.02
    """Share by which target networks move towards the networks at every update."""
    reward_scale: Positive = 10.0
    """What rewards are multiplied by, so that critics see numbers near 1."""
    shaping_coef: NotNegative = 1.0
    """Weight of the potential by which rewards are shaped; 0 for none."""
    noise_std: tuple[NotNegative, NotNegative] = (0.5, 0.05)
    """Standard deviation of the noise on the actor's logit, at first and at last."""
    return_mix: tuple[Share, Share] = (0.5, 0.1)
    """Share of the return in a critic's target, at first and at last; the rest is
    bootstrapped."""
    per_alpha: NotNegative = 0.6
    """Exponent of errors in the priorities of prioritised replay."""
    per_beta: tuple[Share, Share] = (0.4, 1.0)
    """Share of the bias of prioritised replay that weights take away, at first and at last."""
    anneal_steps: Count = 150
    """Training steps in which settings go from their first to their last value."""
    critic_warmup: Annotated[int, Within(least=0)] = 10
    """Training steps, at first, in which critics learn and actors do not."""
    max_return_age: Count = 20
    """Training steps after which the return of a period no longer counts in targets."""
    target_noise_std: NotNegative = 0.1
    """Standard deviation of the noise on target actions, clipped at twice that."""
    action_l2: NotNegative = 1e-3
    """Weight of the mean squared logit in the actor's loss."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse(self.temperature == float("inf"), "write temperature=independent for no end")
