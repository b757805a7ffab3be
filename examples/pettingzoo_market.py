"""The advertisers of a market as PettingZoo agents. Run: python examples/pettingzoo_market.py."""

import jax
import numpy as np
from rich import print

from equibid.auctions import gsp
from equibid.evaluation.periods import generated_practice
from equibid.markets import MARKETS, Market
from equibid.simulation.markov.parallel_env import MarketEnv
from equibid.simulation.markov.rewards import Value


def day(number: int) -> Market:
    """A day of a small market."""
    return MARKETS["demo"](jax.random.key(0), day=number, impressions=4000)


# Two days to learn on. The day before them says which factor each advertiser starts from.
practice = generated_practice("demo", day, gsp(), days=2, held_out=1)
env = MarketEnv(practice.task(Value()).game)
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
