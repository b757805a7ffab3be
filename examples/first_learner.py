"""Train agents together on a small market, and set them beside pacing."""

from pathlib import Path
from tempfile import mkdtemp

import jax
from rich import print

from equibid.auctions import gsp
from equibid.bidders import BIDDERS
from equibid.envs.periods import generated_setup
from equibid.learning import algorithm_named
from equibid.learning.training.trainer import Plan, train
from equibid.markets import MARKETS


def day(number: int):
    """A day of a market of eight advertisers; advertisers keep their traits."""
    sizes = {"impressions": 2_000, "advertisers": 8, "ticks": 12}
    return MARKETS["demo"](jax.random.key(0), day=number, **sizes)


setup = generated_setup("small", day, gsp(), days=2, held_out=1)
learner = algorithm_named("mappo", ["num_envs=4"])
task = setup.task_for(learner)
plan = Plan(steps=10, eval_every=5)
result = train(learner, task, [0], plan, Path(mkdtemp()), judge=setup.judge)
print(result.judgements)
print("pacing", setup.judge(BIDDERS["pacing"](setup.log)))
