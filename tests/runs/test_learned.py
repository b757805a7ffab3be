"""A training run takes a seat in a comparison, and sits there as it was judged."""

from functools import partial
from pathlib import Path

import jax
import polars as pl
import pytest

from equibid.auctions import gsp
from equibid.cli import main
from equibid.envs.periods import generated_setup
from equibid.errors import InputError
from equibid.evaluation.arena import jobs
from equibid.learning import algorithm_named
from equibid.learning.training.results import load_policy
from equibid.markets import MARKETS
from equibid.runs.learned import entry_of, is_run, learned, title_of
from equibid.simulation.scenario import generated_scenario

SIZES = {"impressions": 800, "advertisers": 4, "ticks": 6}
WORDS = [
    *("train", "demo", "--impressions", "800", "--advertisers", "4", "--ticks", "6"),
    *("--algorithm", "ippo", "--days", "2"),
]
SETTINGS = ("num_envs=2", "num_epochs=1", "num_minibatches=1", "hidden_sizes=8")


def day(number: int):
    return MARKETS["demo"](jax.random.key(0), day=number, **SIZES)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps of independent PPO, of two seeds."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    more = ("--steps", "4", "--eval-every", "2", "--seeds", "2", "--out", str(folder))
    main.main([*WORDS, *settings, *more])
    return folder


def test_a_run_is_an_entry_of_its_folders_name(run: Path) -> None:
    scenario = generated_scenario("demo", day, gsp())
    entries = [entry_of(scenario, str(run)), entry_of(scenario, "pacing")]
    assert [entry.name for entry in entries] == ["mine", "pacing"]
    rows = pl.concat([job.run() for job in jobs(scenario, entries, 1, "mixed")])
    mine = rows.filter(bidder="mine")
    assert mine["value"].sum() > 0 and mine["advertiser"].n_unique() == 4


def test_the_policy_is_the_one_that_was_judged_best(run: Path) -> None:
    setup = generated_setup("demo", day, gsp(), days=2)
    task = setup.task_for(algorithm_named("ippo", SETTINGS))
    bidder = load_policy(run, lambda _: task)
    judged = pl.read_parquet(run / "judgements.parquet")
    assert setup.judge(bidder)["seated"] == pytest.approx(judged["seated"].max(), rel=1e-6)
    assert 'data-figure="learning"' in (run / "report.html").read_text(encoding="utf-8")


def test_each_seed_of_a_run_is_an_entry(run: Path) -> None:
    scenario = generated_scenario("demo", day, gsp())
    names = [f"{run}:seed=0", f"{run}:seed=1"]
    assert all(is_run(name) for name in names)
    entries = [entry_of(scenario, name) for name in names]
    assert [entry.name for entry in entries] == ["mine:seed=0", "mine:seed=1"]
    setup = generated_setup("demo", day, gsp(), days=2)
    judged = pl.read_parquet(run / "judgements.parquet").group_by("seed", maintain_order=True)
    best = [rows["seated"].max() for _, rows in judged]
    assert best[0] != best[1]
    found = [setup.judge(entry.bidder)["seated"] for entry in entries]
    assert found == pytest.approx(best, rel=1e-6)
    with pytest.raises(InputError, match=r"has seeds \[0, 1\], not 7"):
        entry_of(scenario, f"{run}:seed=7")


def test_a_run_among_other_agents_is_refused(run: Path) -> None:
    # It remembers what a period brings each of its four agents.
    other = partial(MARKETS["demo"], jax.random.key(1), impressions=400, advertisers=7, ticks=4)
    scenario = generated_scenario("demo", lambda number: other(day=number), gsp())
    with pytest.raises(InputError, match=r"policy\.eqx"):
        learned(scenario, run)


def test_a_folder_without_a_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"policy\.eqx"):
        title_of(str(tmp_path))
    with pytest.raises(InputError, match="no bidder"):
        title_of("nobody")
