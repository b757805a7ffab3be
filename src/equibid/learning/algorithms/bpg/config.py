"""The settings of BPG."""

from dataclasses import dataclass
from typing import Literal

from equibid.learning.climbing import ClimbConfig
from equibid.learning.config import Count, NotNegative, ObservedConfig, Positive, Share


@dataclass(frozen=True)
class BpgConfig(ClimbConfig, ObservedConfig):
    """Settings of bi-level policy gradient."""

    epsilon: NotNegative = 0.04
    """The most that an advertiser may gain by another policy, as a share of what all gain
    together."""
    dual_rule: Literal["proportional", "integral"] = "proportional"
    """How the price of a gain beyond epsilon is set anew: "proportional", dual_gain times what the
    gain is beyond epsilon, which is the published rule where dual_gain is 1; "integral", the price
    before plus dual_gain times that."""
    dual_gain: NotNegative = 100.0
    """Price of a gain of the whole welfare beyond epsilon. High prices bring gains nearer to
    epsilon, and are noisier; 0 asks for no equilibrium."""
    gap_rate: Share = 0.3
    """How far the gain that is known of an advertiser moves to the one seen when it deviates."""
    competitive_weight: NotNegative = 4.0
    """Weight ξ of how far the unified optimiser is from the best response, at least; it is never
    below twice the sum of the prices, so that the optimiser gets better by itself."""
    unified_optimiser: bool = True
    """Whether a second network follows the best response slowly and takes its place in the
    gradient; false is the published variant BPG-zero."""
    exploration: Share = 0.3
    """Share of the deviating advertisers that is drawn evenly from all; the others are drawn by
    their prices."""
    welfare_weight: NotNegative = 1.0
    """Weight of what all advertisers gain in the aim of the market."""
    revenue_weight: float = 0.0
    """Weight of a unit of currency paid in the aim of the market, in units of the reward."""
    num_envs: Count = 16
    """Periods of a training step; each is played three times with the same chance: as all bid, with
    one advertiser as the unified optimiser bids, and with it as the best response bids."""
    num_epochs: Count = 4
    """Times that the policy of all and the unified optimiser learn from the periods of a step; 1 is
    the published rule."""
    response_epochs: Count = 10
    """Times that the best response learns from the periods of a step."""
    actor_learning_rate: Positive = 3e-3
    """Learning rate of the policy of all."""
    response_learning_rate: Positive = 3e-3
    """Learning rate of the best response."""
    optimiser_learning_rate: Positive = 1e-3
    """Learning rate of the unified optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse(
            self.env_mode != "market",
            "nobody answers at the prices of a log; leave env_mode at market",
        )
        self.refuse(
            not self.welfare_weight and not self.revenue_weight,
            "welfare_weight and revenue_weight are both 0, so there is no aim; raise one",
        )
