"""One advertiser among classic bidders, in Gymnasium. Run: python examples/gymnasium_bidder.py."""

import gymnasium
import numpy as np
from rich import print

# Advertiser 6 has the largest budget. Which opponent drives which other one is drawn for each day.
env = gymnasium.make(
    "equibid.envs:equibid/Bidder-v0",
    market="demo",
    impressions=4000,
    reward="value",
    opponents="pacing,fixed",
    advertiser=6,
    head="multiple",
)
pace = 2  # the feature of money left over; see the names in `env.unwrapped.game.observer.names`


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
