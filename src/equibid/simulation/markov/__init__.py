"""The market as a partially observed Markov game: what is seen, what is sold, what it is worth."""

# Observers and rewards are declared when their modules are imported.
from equibid.simulation.markov import auction_observer as auction_observer
from equibid.simulation.markov import auctionnet_observer as auctionnet_observer
from equibid.simulation.markov import campaign_observers as campaign_observers
from equibid.simulation.markov import segment_observer as segment_observer
from equibid.simulation.markov.game import GameState, MarkovGame, Result, logged_game, markov_game
from equibid.simulation.markov.observers import OBSERVERS, Observer
from equibid.simulation.markov.rewards import REWARDS, Outcome, Reward, reward_named

__all__ = [
    "OBSERVERS",
    "REWARDS",
    "GameState",
    "MarkovGame",
    "Observer",
    "Outcome",
    "Result",
    "Reward",
    "logged_game",
    "markov_game",
    "reward_named",
]
