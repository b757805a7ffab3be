"""The examples of the documentation run, and its table of bidders is whole."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.auctions import gsp
from equibid.bidders import BIDDERS, Observation
from equibid.envs.periods import generated_setup
from equibid.learning import ALGORITHMS
from equibid.learning.training.trainer import Plan, train
from equibid.markets import MARKETS, Campaigns, Market

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def own_bidder() -> Iterator[dict[str, Any]]:
    """The example's names; its bidder is registered as long as the test runs."""
    yield runpy.run_path(str(EXAMPLES / "own_bidder.py"))
    del BIDDERS.entries["leftover"], BIDDERS.summaries["leftover"]


def test_first_market(capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "first_market.py"))
    total, budget = names["total"], names["today"].campaigns.budget
    assert (total.spend <= budget).all()
    printed = capsys.readouterr().out
    for index, name in enumerate(("fixed", "pacing")):
        mine = names["seat"] == index
        assert total.spend[mine].sum() > 0.5 * budget[mine].sum()
        assert f"{name}: value {total.value[mine].sum():.1f}," in printed
    frame = names["delivery"].frame()
    assert frame.height == names["today"].ticks * names["today"].advertisers
    assert frame["value"].sum() == pytest.approx(float(total.value.sum()))


def test_first_equilibrium(capsys: pytest.CaptureFixture[str]) -> None:
    certificate = runpy.run_path(str(EXAMPLES / "first_equilibrium.py"))["certificate"]
    assert certificate.holds(1e-8) and certificate.response.welfare > 0
    assert "nobody gains more than" in capsys.readouterr().out


def test_own_bidder_by_hand(own_bidder: dict[str, Any]) -> None:
    # Budgets 100, 100 and 0, two of four ticks gone: half the money is on time, all of it twice
    # too much, and who has no budget does not fall over it.
    bidder = own_bidder["Leftover"](jnp.asarray([3.0, 3.0, 3.0]))
    budget = jnp.asarray([100.0, 100.0, 0.0])
    state = bidder.init(Campaigns(budget, jnp.ones(3), jnp.zeros(3, jnp.int32)))
    seen = Observation(*map(jnp.asarray, (2, 4, 20, 40)), remaining=jnp.asarray([50.0, 100.0, 0.0]))
    np.testing.assert_array_equal(bidder.factor(state, seen, jax.random.key(0)), [3.0, 6.0, 0.0])


@pytest.fixture
def own_algorithm() -> Iterator[dict[str, Any]]:
    """The example's names; its algorithm is registered as long as the test runs."""
    yield runpy.run_path(str(EXAMPLES / "own_algorithm.py"))
    del ALGORITHMS.entries["cross-entropy"], ALGORITHMS.summaries["cross-entropy"]


def test_own_algorithm_by_hand(own_algorithm: dict[str, Any]) -> None:
    policy = own_algorithm["Linear"](jnp.asarray([1.0, -2.0, 0.5]))
    answers = policy(jnp.asarray([[1.0, 1.0], [0.0, 0.25]]))
    np.testing.assert_allclose(answers, np.tanh([[-0.5], [0.0]]), rtol=1e-6)


@pytest.mark.slow
def test_own_algorithm_starts_from_fixed_and_finds_more(
    own_algorithm: dict[str, Any], tmp_path: Path
) -> None:
    def day(number: int) -> Market:
        sizes = {"impressions": 1000, "advertisers": 6, "ticks": 8}
        return MARKETS["demo"](jax.random.key(0), day=number, **sizes)

    setup = generated_setup("small", day, gsp(), days=2, held_out=1)
    learner = own_algorithm["CrossEntropy"](num_envs=16, elite=4)
    task = setup.task_for(learner)
    untrained = learner.policy(task, learner.init(task, jax.random.key(0)))
    assert setup.judge(untrained) == setup.judge(BIDDERS["fixed"](setup.log))
    found = train(learner, task, [0, 1], Plan(steps=12, eval_every=12), tmp_path, judge=setup.judge)
    by_step = found.metrics.group_by("step").agg(pl.col("collected").mean()).sort("step")
    assert by_step["collected"][-4:].mean() > 1.02 * by_step["collected"][0]


def run_in(folder: Path, *command: str) -> str:
    """What a Python program prints."""
    ended = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
        timeout=600,
    )
    assert not ended.returncode, ended.stderr
    return ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("compare_bidders", "separable"), ("own_log", "mine.csv")]
)
def test_an_example_runs(tmp_path: Path, name: str, said: str) -> None:
    assert said in run_in(tmp_path, str(EXAMPLES / f"{name}.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compare", "factors"])
def test_a_notebook_runs_and_keeps_no_output(tmp_path: Path, name: str) -> None:
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    run_in(tmp_path, "-c", "\n\n".join("".join(cell["source"]) for cell in code))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tutorial.md", "python.md"])
def test_the_python_of_a_page_runs(tmp_path: Path, page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    code = "\n".join(block for block in blocks if not block.startswith("--8<--"))
    assert "equibid.compare" in code
    run_in(tmp_path, "-c", code)


@pytest.mark.parametrize("name", sorted(BIDDERS))
def test_bidder_is_documented(name: str) -> None:
    folder = ROOT / "docs" / "bidders"
    row = re.search(rf"^\| \[`{name}`\]\((.+?)\)", (folder / "index.md").read_text(), re.MULTILINE)
    assert row, f"docs/bidders/index.md has no row for {name}"
    assert f"`{name}`" in (folder / row[1]).read_text()
