"""The settings of MAAB."""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.learning.config import (
    Count,
    NotNegative,
    ObservedConfig,
    PeriodReplayConfig,
    Positive,
    Share,
)
from equibid.learning.losses.deep_q import Grid
from equibid.settings import Within

Credit = Literal["own", "tempered", "total"]


@dataclass(frozen=True)
class MAABConfig(PeriodReplayConfig, ObservedConfig):
    """Settings; what was published is marked."""

    num_envs: Count = 4
    credit: Credit = "tempered"
    """How the reward of a step is shared: each its own ("own", CM-IL), the total for all ("total",
    CO-IL), or by temperature ("tempered", TRCA)."""
    temperature: Positive = 8.0
    """τ over the highest multiple, of the credit; published: 4 for bids of up to 5."""
    local_credit: bool = True
    """Whether credit goes by how much targeting overlaps; published: all alike."""
    bar_agents: Literal["learned", "fixed", "none"] = "learned"
    """What keeps bids up: bar agents that learn ("learned", published), one bar for all ("fixed",
    MAAB-fix), or nothing ("none", MIX-IL)."""
    fixed_bar: float = 0.5
    """The one bar for all, as a multiple of the start."""
    grouping: Literal["each", "category", "clusters"] = "each"
    """Who is one agent: each advertiser, a category of advertisers (published), or clusters of
    advertisers of about equal presence."""
    num_clusters: Count = 3
    """Clusters of advertisers, under grouping=clusters."""
    num_actions: Annotated[int, Within(least=2)] = 21
    """Factors to choose from, evenly from 0 to max_multiple; published: 21."""
    max_multiple: Positive = 2.0
    """The highest factor, as a multiple of that of the day before."""
    action_smoothing: NotNegative = 2.0
    """Actions over which Q is averaged; published: 0, each for itself."""
    shaping: bool = True
    """Whether rewards are shaped by what the money left could earn; not published."""
    num_updates: Count = 8
    num_bar_updates: Count = 2
    """Batches that the bar agents learn from for each of the bidders'; published: 2."""
    batch_size: Count = 64
    buffer_size: Count = 200
    gamma: Share = 0.9
    """Discount a step of the game."""
    hidden_size: Count = 64
    """Width of the three hidden layers of a network; published: 64."""
    optimizer: Literal["adam", "rmsprop"] = "adam"
    """How networks are moved: "adam", or "rmsprop", which is published."""
    learning_rate: Positive = 5e-4
    """Learning rate of all networks."""
    max_grad_norm: Positive = 10.0
    """Norm to which gradients are clipped; 10 in the published program."""
    target_update_every: Count = 50
    """Updates from copy to copy of the target network."""
    epsilon: tuple[Share, Share] = (1.0, 0.05)
    """Share of random actions, at first and at last; published: 1 and 0.05."""
    anneal_episodes: Count = 100
    """Periods in which the share of random actions goes from its first to its last value."""

    @property
    def head(self) -> Grid:
        """From numbers of levels to factors."""
        return Grid(self.num_actions, self.max_multiple)
