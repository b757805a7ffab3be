"""A run resumes to the same bits, stops when nothing improves, and keeps the best of each seed."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from jaxtyping import Array

import learning.toy
from equibid.bidders.bidder import Bidder
from equibid.bidders.fixed import Fixed
from equibid.errors import InputError
from equibid.kept import TRAILER, append_digest
from equibid.learning.algorithm import ALGORITHMS, settings_of
from equibid.learning.training.best import judged, newcomer
from equibid.learning.training.checkpoint import versions
from equibid.learning.training.results import load_policy, load_state, saved_algorithm
from equibid.learning.training.trainer import Plan, TrainProgress, train
from learning.toy import PLAN, SEEDS, TASK, Search, Toy, judge, run

FILES = ("checkpoint.eqx", "metrics.parquet", "judgements.parquet", "policy.eqx", "result.json")


class StopError(Exception):
    """Stands for whatever ends a process."""


def stop_at(step: int) -> Callable[[TrainProgress], None]:
    def told(now: TrainProgress) -> None:
        if now.step == step:
            raise StopError

    return told


def same(one: Path, other: Path) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


def test_the_tables_tell_of_every_step_and_seed(whole: Path) -> None:
    metrics = pl.read_parquet(whole / "metrics.parquet")
    assert metrics.columns == ["step", "seed", "loss", "noise/largest"]
    assert metrics["step"].to_list() == np.repeat(np.arange(1, 61), 2).tolist()
    assert metrics["seed"].to_list() == [3, 4] * 60
    judgements = pl.read_parquet(whole / "judgements.parquet")
    assert judgements.columns == ["step", "seed", "seated", "value", "widest"]
    assert judgements["step"].unique(maintain_order=True).to_list() == list(range(5, 61, 5))
    # It learns.
    value = judgements.filter(pl.col("seed") == 3)["value"]
    assert value[-1] > value[0] / 4
    result = json.loads((whole / "result.json").read_text())
    assert result["steps"] == 60
    assert result["best_step"] == [60, 60]
    assert result["score"] == judgements["value"][-2:].to_list()


def test_the_driver_adds_nothing_to_the_steps(tmp_path: Path) -> None:
    toy, plan = Toy(), Plan(steps=9, checkpoint_every=4)
    result = train(toy, TASK, [5], plan, tmp_path)
    state = jax.jit(toy.init)(TASK, jax.random.key(5))
    step = jax.jit(toy.step)
    losses = []
    for _ in range(9):
        state, metrics = step(TASK, state)
        losses.append(float(metrics["loss"]))
    assert result.metrics["loss"].to_list() == losses
    for there, here in zip(jax.tree.leaves(result.states), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(there[0], here)
    # Nobody judged: the last state counts.
    assert result.judgements.is_empty()
    assert result.score.tolist() == [-np.inf]
    assert json.loads((tmp_path / "result.json").read_text())["score"] == [None]


def test_seeds_at_once_are_the_seeds_alone_but_for_rounding(whole: Path, tmp_path: Path) -> None:
    together = pl.read_parquet(whole / "metrics.parquet")
    for seed in SEEDS:
        alone = train(Toy(), TASK, [seed], PLAN, tmp_path / str(seed)).metrics
        there = together.filter(pl.col("seed") == seed)
        np.testing.assert_allclose(there["loss"], alone["loss"], rtol=1e-3, atol=1e-5)
    assert together["loss"].n_unique() == 120


@pytest.mark.parametrize("step", [3, 7, 10, 13, 56, 60])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    whole: Path, tmp_path: Path, step: int
) -> None:
    with pytest.raises(StopError):
        run(tmp_path, callback=stop_at(step))
    assert not (tmp_path / "result.json").exists()
    (tmp_path / "checkpoint.eqx.part").write_bytes(b"half")
    run(tmp_path)
    assert same(tmp_path, whole)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    with (tmp_path / "log").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, learning.toy.__file__, str(killed)], stdout=out, stderr=out
        )
        deadline = time.monotonic() + 200
        while not (killed / "checkpoint.eqx").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
        process.wait(60)
    assert not (killed / "result.json").exists()
    shutil.copytree(killed, tmp_path / "again")
    for folder in (killed, tmp_path / "again"):
        assert run(folder).notice == ""
        assert same(folder, whole)


def test_a_finished_run_is_not_run_again(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    before = sorted(tmp_path.rglob("*"))

    def never(_: object) -> Any:
        raise AssertionError

    result = run(tmp_path, callback=never, judge=never)
    assert sorted(tmp_path.rglob("*")) == before
    assert same(tmp_path, whole)
    assert result.best_step.tolist() == [60, 60]


@pytest.mark.parametrize(
    ("algorithm", "seeds", "plan", "config", "said"),
    [
        (Toy(learning_rate=0.1), SEEDS, PLAN, {}, r"setting learning_rate 0\.05, not 0\.1"),
        (Toy(), (4, 3), PLAN, {}, r"seeds \[3, 4\], not \[4, 3\]"),
        (Toy(), SEEDS, replace(PLAN, steps=61), {}, "steps 60, not 61"),
        (Toy(), SEEDS, PLAN, {"market": "demo"}, "market None, not demo"),
    ],
)
def test_another_run_does_not_go_on_here(
    whole: Path, algorithm: Toy, seeds: tuple[int, ...], plan: Plan, config: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        train(algorithm, TASK, seeds, plan, whole, judge=judge, config=config)


def test_how_often_it_is_kept_does_not_matter(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        run(tmp_path, callback=stop_at(30))
    train(Toy(), TASK, SEEDS, replace(PLAN, checkpoint_every=50), tmp_path, judge=judge)
    assert same(tmp_path, whole)


def test_other_libraries_are_noticed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    now = f"jax 0.1, now {jax.__version__}"
    path = tmp_path / "checkpoint.eqx"
    for name, old, told in (("jax", "0.1", now), ("code", "edited", "other code of this package")):
        header, leaves = path.read_bytes()[:-TRAILER].split(b"\n", 1)
        known = json.loads(header)
        known["versions"] = versions() | {name: old}
        with path.open("wb") as file:
            file.write(json.dumps(known).encode() + b"\n" + leaves)
            append_digest(file)
        assert f"written with {told}: the bits may differ" in run(tmp_path).notice


def scripted(*scores: float) -> Callable[[Bidder], Mapping[str, float]]:
    """A judge with a list."""
    rest: Iterator[float] = iter(scores)
    return lambda _: {"value": next(rest)}


def test_it_stops_when_no_seed_improves(tmp_path: Path) -> None:
    plan = Plan(steps=60, checkpoint_every=60, eval_every=5, patience=2)
    # Seed by seed: the first is best at 10, the second goes on improving until 20.
    says = scripted(1, 1, 3, 0, 2, 5, 2, 6, 2, 6, 2, 6)
    result = train(Toy(), TASK, SEEDS, plan, tmp_path, judge=says)
    assert result.steps == 30
    assert result.stopped
    assert result.score.tolist() == [3, 6]
    assert result.best_step.tolist() == [10, 20]
    # What is kept is what each had learnt then.
    for index, steps in enumerate((10, 20)):
        then = train(Toy(), TASK, SEEDS, Plan(steps=steps), tmp_path / str(steps)).states
        for best, state in zip(jax.tree.leaves(result.states), jax.tree.leaves(then), strict=True):
            np.testing.assert_array_equal(best[index], state[index])
    # It stays stopped.
    again = train(Toy(), TASK, SEEDS, plan, tmp_path, judge=scripted())
    assert again.steps == 30
    assert again.stopped


def test_small_improvements_are_kept_and_end_patience() -> None:
    state = {"x": np.zeros((1, 2))}
    tracker = newcomer(state, 1, judges=True)
    scores = [np.nan, 1.0, 1.05, 1.08, 1.2, np.nan]
    stale, best = [], []
    for step, score in enumerate(scores, 1):
        now = {"x": np.full((1, 2), float(step))}
        tracker = judged(tracker, now, np.asarray([score]), step, tolerance=0.1)
        stale.append(int(tracker.stale[0]))
        best.append(float(tracker.best["x"][0, 0]))
    assert stale == [1, 0, 1, 2, 0, 1]
    assert best == [0, 2, 3, 4, 5, 5]
    assert tracker.mark.tolist() == [1.2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": []}, "at least one"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": [-1]}, "from 0"),
        ({"plan": Plan(patience=2), "judge": None}, "no judge"),
        ({"plan": Plan(steps=2, eval_metric="valu")}, "nothing is judged by 'valu'; try value"),
    ],
)
def test_what_no_run_can_have(tmp_path: Path, changes: Any, said: str) -> None:
    asked = {"seeds": SEEDS, "plan": PLAN, "judge": judge} | changes
    with pytest.raises(InputError, match=said):
        train(Toy(), TASK, folder=tmp_path, **asked)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(InputError, match="cannot write there"):
        run(tmp_path / "a")


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"checkpoint_every": 0},
        {"eval_every": 0},
        {"patience": -1},
        {"tolerance": -1.0},
    ],
)
def test_what_no_plan_can_have(changes: Any) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        Plan(**changes)


class Growing(Toy):
    """Against the contract."""

    def step(self, task: Any, state: Search) -> tuple[Search, dict[str, Array]]:
        state, metrics = super().step(task, state)
        return state._replace(average=jnp.zeros(7)), metrics


class Wordy(Toy):
    """Against the contract."""

    def step(self, task: Any, state: Search) -> tuple[Search, dict[str, Array]]:
        return super().step(task, state)[0], {"loss": jnp.zeros(3)}


def test_an_algorithm_that_breaks_the_contract_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Growing: a step changed the shapes"):
        train(Growing(), TASK, [0], PLAN, tmp_path)
    with pytest.raises(ValueError, match=r"loss must be one number, not of shape \(2, 3\)"):
        train(Wordy(), TASK, SEEDS, PLAN, tmp_path)


def test_a_finished_run_is_a_bidder(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ALGORITHMS.entries, "toy-fast", partial(Toy, learning_rate=0.5))
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="not a run of `equibid train`"):
        saved_algorithm(tmp_path)
    config = {"algorithm": "toy-fast", "settings": settings_of(Toy()), "market": "demo"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert saved_algorithm(tmp_path) == (Toy(), config)
    bidders = [load_policy(tmp_path, lambda _: TASK, seed) for seed in (None, *SEEDS)]
    levels = [np.asarray(bidder.factors) for bidder in bidders if isinstance(bidder, Fixed)]
    values = [judge(bidder)["value"] for bidder in bidders]
    assert values[1:] == json.loads((whole / "result.json").read_text())["score"]
    # By default the better of the seeds.
    assert values[0] == max(values[1:])
    assert not np.array_equal(levels[1], levels[2])
    with pytest.raises(InputError, match=r"has seeds \[3, 4\], not 9"):
        load_policy(tmp_path, lambda _: TASK, 9)
    with pytest.raises(InputError, match="of other settings"):
        load_state(tmp_path, jnp.zeros(3))
    (tmp_path / "policy.eqx").unlink()
    with pytest.raises(InputError, match="finish this run first"):
        load_policy(tmp_path, lambda _: TASK)
