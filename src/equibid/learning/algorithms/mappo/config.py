"""The settings of MAPPO, and of independent PPO."""

from dataclasses import dataclass

from equibid.learning.config import (
    ActorCriticConfig,
    CooperationConfig,
    Count,
    HeadConfig,
    NotNegative,
    ObservedConfig,
    Positive,
    Share,
)


@dataclass(frozen=True)
class MappoConfig(HeadConfig, ActorCriticConfig, CooperationConfig, ObservedConfig):
    """Settings of MAPPO, and of independent PPO."""

    num_epochs: Count = 5
    """Times that the periods of a training step are learned from."""
    num_minibatches: Count = 4
    """Parts of an epoch, each of which is an update."""
    max_rows: Count = 16384
    """Most agents' steps in a minibatch; among many agents an epoch does not use all of them."""
    gamma: Share = 1.0
    """Discount a step of the game."""
    gae_lambda: Share = 0.98
    """λ of generalised advantage estimation."""
    clip_eps: Positive = 0.2
    """ε within which ratios of probabilities, and changes of values, count."""
    entropy_coef: NotNegative = 0.0
    """Weight of the policy's entropy in the loss."""
    huber_delta: Positive = 10.0
    """Error from which the critic's Huber loss is linear, in standard deviations of returns."""
    actor_learning_rate: Positive = 1e-3
    critic_learning_rate: Positive = 3e-3
    max_grad_norm: Positive = 10.0
    """Norm to which gradients are clipped."""
    init_std: Positive = 0.5
    """Standard deviation of actions before training."""
