"""PPO of stable-baselines3 learns one advertiser's bids; a comparison takes what it learned.

Run: pip install stable-baselines3, then python examples/stable_baselines3_bidder.py, then
equibid compare demo --plugin examples/stable_baselines3_bidder.py --bidders sb3-ppo,pacing,fixed
"""

from pathlib import Path
from typing import Any

import numpy as np
from rich import print

from equibid.bidders import BIDDERS, Bidder, TrainingLog
from equibid.learning import mlp_from, policy_bidder

ID = "equibid.envs:equibid/Bidder-v0"
OBSERVER, HEAD = "pace+traits", "increment"


@BIDDERS.add("sb3-ppo", "What PPO of stable-baselines3 learned.")
def fit(log: TrainingLog, weights: str = "ppo.npz") -> Bidder:
    """The policy in a market.

    Args:
        log: the day before.
        weights: of the policy, as `learn` saves them.
    """
    return policy_bidder(mlp_from(weights), OBSERVER, HEAD)(log)


def learn(steps: int, weights: Path, **sizes: int) -> Any:
    """Let PPO learn on whichever seat is drawn, so that it can bid on all, and save its actor."""
    from stable_baselines3 import PPO  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    from stable_baselines3.common.env_util import make_vec_env  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    words = {"market": "demo", "observer": OBSERVER, "head": HEAD, "scaled": True} | sizes
    envs = make_vec_env(ID, n_envs=4, seed=0, env_kwargs=words)
    model = PPO("MlpPolicy", envs, n_steps=192, batch_size=128, gamma=1.0, seed=0, device="cpu")
    model.learn(steps)
    policy = model.policy
    layers = [*policy.mlp_extractor.policy_net, policy.action_net]
    linear = [layer.state_dict() for layer in layers if layer.state_dict()]
    arrays = {
        f"{name}_{number}": layer[name].numpy()
        for number, layer in enumerate(linear)
        for name in ("weight", "bias")
    }
    np.savez(weights, **arrays, activation="tanh")  # type: ignore[arg-type]
    return model


if __name__ == "__main__":
    learn(50_000, Path("ppo.npz"))
    print("ppo.npz: take it to a comparison with --plugin, as the head of this file says")
