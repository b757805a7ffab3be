"""Markets as environments of other libraries, from words.

    name = "equibid.environments:equibid/Bidder-v0"
    env = gymnasium.make(name, market="demo", rivals="pacing,fixed", advertiser=6)
    envs = gymnasium.make_vec(name, num_envs=64, market="demo")
    env = market_env("demo")                                       # PettingZoo: equibid_market_v0

Importing the package registers the id ``equibid/Bidder-v0``, and so does its name before a colon:
Gymnasium looks for no entry points. The number rises when the same actions would no longer give the
same rewards.
"""

from equibid.errors import InputError

try:
    import gymnasium
    import pettingzoo  # noqa: F401
except ImportError as error:
    raise InputError(
        "environments need further libraries; run: pip install equibid[environments]"
    ) from error

from equibid.environments.made import bidder_env, bidder_vector_env, market_env
from equibid.simulation.markov.parallel_env import MarketEnv
from equibid.simulation.markov.single_env import BidderEnv
from equibid.simulation.markov.vector_env import BidderVectorEnv

ID = "equibid/Bidder-v0"

gymnasium.register(
    ID,
    entry_point=f"{__name__}.made:bidder_env",
    vector_entry_point=f"{__name__}.made:bidder_vector_env",
)

__all__ = [
    "ID",
    "BidderEnv",
    "BidderVectorEnv",
    "MarketEnv",
    "bidder_env",
    "bidder_vector_env",
    "market_env",
]
