"""The settings of the predictor of equilibrium factors."""

from dataclasses import dataclass

from equibid.learning.config import Count, EnvConfig, NotNegative, Positive
from equibid.learning.ncb.hindsight import SOLVER, Solver
from equibid.learning.networks.transformer import PUBLISHED, Shape


@dataclass(frozen=True)
class NcbConfig(EnvConfig):
    """Settings of the predictor of equilibrium factors."""

    num_envs: Count = 4
    """Periods that are played and solved in a round; each round takes the next ones."""
    rounds: Count = 3
    """Rounds whose periods are kept to learn from; a later round takes the place of the oldest."""
    num_updates: Count = 150
    """Updates of the network in a round."""
    batch_size: Count = 48
    """Periods of one advertiser each in a batch."""
    learning_rate: Positive = 5e-4
    """Learning rate of Adam."""
    max_grad_norm: Positive = 1.0
    """Norm to which gradients are clipped."""
    target_every: Count = 4
    """Ticks from one equilibrium that is solved for to the next, as many for all periods."""
    factor_noise: NotNegative = 0.2
    """Standard deviation of the logarithm by which factors are tilted at random for a third of a
    period while data are gathered."""
    sampled: bool = True
    """Whether winners and conversions are drawn while data are gathered; false plays their
    expectations."""
    shape: Shape = PUBLISHED
    """The network."""
    solver: Solver = SOLVER
    """How the equilibria of what is left of a period are found."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse(self.reward != "value", "it learns equilibria of value; leave reward at value")
        self.refuse(self.env_mode != "market", "prices of a log do not answer; learn in a market")
