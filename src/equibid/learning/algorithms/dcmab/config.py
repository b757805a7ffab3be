"""The settings of DCMAB."""

from dataclasses import dataclass
from typing import Annotated, Literal

from equibid.learning.config import (
    ActorCriticConfig,
    Count,
    EnvConfig,
    NotNegative,
    PeriodReplayConfig,
    Share,
)
from equibid.settings import Within

Ratio = Literal["paper", "monotone", "none"]
ClusterReward = Literal["self", "coord"]


@dataclass(frozen=True)
class DCMABConfig(PeriodReplayConfig, ActorCriticConfig, EnvConfig):
    """Settings; what was published is marked."""

    num_envs: Count = 4
    reward_sharing: ClusterReward = "self"
    """Whether a cluster is paid its own reward ("self") or everybody's ("coord"); both are
    published."""
    num_clusters: Count = 3
    """I, clusters of advertisers, each of which is an agent; published: 3."""
    num_tick_groups: Count = 3
    """J, groups of the day's ticks, in the place of the published three groups of consumers."""
    bid_form: Ratio = "none"
    """How an action meets the value of an impression: "none" makes a factor, "paper" is the
    published form, "monotone" raises good impressions in both directions."""
    max_change: Annotated[float, Within(above=0, most=1)] = 0.9
    """The most that a bid is raised or lowered, as a share; published: 0.9."""
    decision_ticks: Count = 4
    """Ticks from decision to decision."""
    observe_time: bool = True
    """Whether agents see the time of day; the published agents see sums of money alone."""
    shaping: bool = True
    """Whether rewards are shaped by what the money left could buy; not published."""
    critic_sees: Literal["joint", "own"] = "joint"
    """The actions that a critic sees: all ("joint"), or its own cluster's ("own", which is the
    published DDPG)."""
    num_updates: Count = 32
    batch_size: Count = 64
    """Decisions in a batch, each of all agents."""
    buffer_size: Count = 1000
    gamma: Share = 1.0
    """Discount from decision to decision; 0 makes contextual bandits, whose rewards are not
    shaped."""
    actor_hidden_size: Count = 300
    """Width of the two hidden layers of an actor; published: 300."""
    critic_hidden_size: Count = 100
    """Width of the two hidden layers of a critic; published: 100."""
    tau: Share = 0.01
    """Share by which target networks move towards the networks at every update."""
    noise_std: tuple[NotNegative, NotNegative] = (0.3, 0.05)
    """Standard deviation of the noise on actions, at first and at last."""
    anneal_episodes: Count = 250
    """Periods in which the noise goes from its first to its last value."""
    action_l2: NotNegative = 1e-3
    """Weight of the actors' mean square before the tanh, which keeps them from saturating."""

    def __post_init__(self) -> None:
        super().__post_init__()
        tilted = self.env_mode == "log" and self.bid_form != "none"
        self.refuse(tilted, "a log is bought from by factors; ask for bid_form=none there")

    @property
    def sizes(self) -> tuple[int, int, int]:
        """I, J and F: clusters, groups of ticks, and numbers that an agent sees."""
        pairs = self.num_clusters * self.num_tick_groups
        return self.num_clusters, self.num_tick_groups, 2 * pairs + self.observe_time
