"""The market as a partially observed Markov game, and as environments of other libraries.

    env = gymnasium.make("equibid.envs:equibid/Bidder-v0", market="demo", advertiser=6)
    envs = gymnasium.make_vec("equibid.envs:equibid/Bidder-v0", num_envs=64, market="demo")
    env = equibid.envs.market_env("demo")                          # PettingZoo: equibid_market_v0

Importing this package registers the id ``equibid/Bidder-v0`` where Gymnasium is installed, and so
does its name before the colon: Gymnasium looks for no entry points. The number rises when the same
actions would no longer give the same rewards.
"""

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Observers and rewards are declared when their modules are imported.
from equibid.envs import auction_observer as auction_observer
from equibid.envs import auctionnet_observer as auctionnet_observer
from equibid.envs import campaign_observers as campaign_observers
from equibid.envs import segment_observer as segment_observer
from equibid.envs.game import GameState, MarkovGame, Result, logged_game, markov_game
from equibid.envs.observers import OBSERVERS, Observer
from equibid.envs.rewards import REWARDS, Outcome, Reward, reward_named

if TYPE_CHECKING:
    from equibid.envs.made import bidder_env, bidder_vector_env, market_env
    from equibid.envs.parallel_env import MarketEnv
    from equibid.envs.single_env import BidderEnv
    from equibid.envs.vector_env import BidderVectorEnv

ID = "equibid/Bidder-v0"
"""What Gymnasium knows the environment of one bidder as."""

# What needs Gymnasium or PettingZoo, by the page it stands on.
_ADAPTERS = {
    "BidderEnv": "single_env",
    "BidderVectorEnv": "vector_env",
    "MarketEnv": "parallel_env",
    "bidder_env": "made",
    "bidder_vector_env": "made",
    "market_env": "made",
}

with suppress(ImportError):
    import gymnasium

    gymnasium.register(
        ID,
        entry_point=f"{__name__}.made:bidder_env",
        vector_entry_point=f"{__name__}.made:bidder_vector_env",
    )


def __getattr__(name: str) -> Any:
    """What needs further libraries is imported when it is asked for."""
    if name not in _ADAPTERS:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_ADAPTERS[name]}"), name)


__all__ = [
    "ID",
    "OBSERVERS",
    "REWARDS",
    "BidderEnv",
    "BidderVectorEnv",
    "GameState",
    "MarketEnv",
    "MarkovGame",
    "Observer",
    "Outcome",
    "Result",
    "Reward",
    "bidder_env",
    "bidder_vector_env",
    "logged_game",
    "market_env",
    "markov_game",
    "reward_named",
]
