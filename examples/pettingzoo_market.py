"""The advertisers of a market as PettingZoo agents. Run: python examples/pettingzoo_market.py."""

import numpy as np
from rich import print

from equibid.envs import market_env

# The day before the two that are played says which factor each advertiser starts from.
env = market_env("demo", impressions=4000, reward="value", days=2)
pace = env.game.observer.names.index("pace")


def play(gain: float) -> dict[str, float]:
    """A day on which everybody bids more the more money it has left over; each agent's value."""
    value = dict.fromkeys(env.possible_agents, 0.0)
    seen, _ = env.reset(seed=0, options={"period": 1})
    while env.agents:
        actions = {agent: np.clip([gain * seen[agent][pace]], -1, 1) for agent in env.agents}
        seen, rewards, _, _, _ = env.step(actions)
        for agent, reward in rewards.items():
            value[agent] += reward
    return value


steady, paced = play(0.0), play(0.5)
print(f"{len(steady)} agents hold their factor: value {sum(steady.values()):.1f}")
print(f"all of them pace: value {sum(paced.values()):.1f}")
