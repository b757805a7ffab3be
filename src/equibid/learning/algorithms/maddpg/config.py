"""The settings of MADDPG, and of independent DDPG."""

from dataclasses import dataclass
from typing import Literal

from equibid.learning.config import (
    ActorCriticConfig,
    CooperationConfig,
    Count,
    HeadConfig,
    NotNegative,
    ObservedConfig,
    PeriodReplayConfig,
    Positive,
    Share,
)


@dataclass(frozen=True)
class MaddpgConfig(
    HeadConfig, PeriodReplayConfig, ActorCriticConfig, CooperationConfig, ObservedConfig
):
    """Settings of MADDPG, and of independent DDPG."""

    max_rows: Count = 16384
    """Most agents' steps in a batch; among many agents it holds fewer steps of the game."""
    gamma: Share = 1.0
    """Discount a step of the game."""
    return_mix: Share = 0.5
    """η, the share of the return in a critic's target; the rest is bootstrapped."""
    tau: Share = 0.005
    """Share by which target networks move towards the networks at every update."""
    actor_learning_rate: Positive = 1e-4
    critic_learning_rate: Positive = 1e-3
    max_grad_norm: Positive = 0.5
    """Norm to which gradients are clipped."""
    action_l2: NotNegative = 1e-3
    """Weight of the mean squared action in the actor's loss."""
    layer_norm: bool = True
    """Whether critics normalise their layers."""
    action_scale: Positive = 0.2
    noise_std: NotNegative = 0.25
    """Standard deviation of the noise on actions, in units of an action."""
    result: Literal["target", "online"] = "target"
    """Which actor is the result of the training: the target network, which wavers less, or the
    network that is trained."""
