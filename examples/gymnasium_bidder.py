"""One advertiser among pacing rivals, in Gymnasium. Run: python examples/gymnasium_bidder.py."""

import gymnasium
import jax
import numpy as np
from rich import print

from equibid.auctions import gsp
from equibid.bidders import BIDDERS
from equibid.evaluation.periods import generated_practice
from equibid.markets import MARKETS, Market
from equibid.simulation.markov.rewards import Value
from equibid.simulation.markov.single_env import ID


def day(number: int) -> Market:
    """A day of a small market."""
    return MARKETS["demo"](jax.random.key(0), day=number, impressions=4000)


practice = generated_practice("demo", day, gsp(), days=4, held_out=1)
# Seat 0 learns: advertiser 6, of the largest budget. The others follow the bidder of seat 1.
seat = np.where(np.arange(24) == 6, 0, 1)
game = practice.task(Value(), rivals=[BIDDERS["pacing"](practice.log)], seat=seat).game
env = gymnasium.make(ID, game=game)
pace = game.observer.names.index("pace")


def play(gain: float, seed: int) -> float:
    """A day, on which the bid follows the money left over; the value that was bought."""
    value, over = 0.0, False
    seen, _ = env.reset(seed=seed)
    while not over:
        action = np.clip(np.asarray([gain * seen[pace]], np.float32), -1, 1)
        seen, reward, over, _, _ = env.step(action)
        value += float(reward)
    return value


for gain in (0.0, 0.5, 2.0):
    print(f"gain {gain}: value {np.mean([play(gain, seed) for seed in range(8)]):.2f} a day")
