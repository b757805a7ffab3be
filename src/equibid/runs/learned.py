"""Training runs as entries of a comparison."""

import hashlib
from functools import lru_cache
from pathlib import Path

from equibid.bidders.bidder import Bidder
from equibid.bidders.registry import bidder_label, names_bidder
from equibid.envs.setup import TrainingSetup, setup_of
from equibid.errors import InputError
from equibid.evaluation.arena import Entry, enter
from equibid.files import file_name
from equibid.learning.training.results import load_policy, saved_algorithm
from equibid.simulation.scenario import Scenario


def entry_of(scenario: Scenario, name: str) -> Entry:
    """The entry of a bidder by its name, or of a training run by its folder.

    Raises:
        InputError: it is neither, or the run does not fit the case.
    """
    if not is_run(name):
        return enter(scenario, [name])[0]
    return Entry(title_of(name), learned(scenario, run_for(scenario, Path(name))))


def run_for(scenario: Scenario, folder: Path) -> Path:
    """The training run of a case: of a log of several campaigns each has its own folder."""
    own = folder / file_name(scenario.name)
    return own if own.is_dir() else folder


def learned(scenario: Scenario, folder: Path) -> Bidder:
    """What a run has learnt, in a case's market and tuned on its training log.

    Raises:
        InputError: it is no finished run, or it learned for another number of advertisers.
    """
    algorithm, _ = saved_algorithm(folder)
    task = _setup(scenario).task_for(algorithm)
    return load_policy(folder, lambda config: task)


@lru_cache(maxsize=1)
def _setup(scenario: Scenario) -> TrainingSetup:
    """Of the case last asked for: what is known of its day before is the same for all runs."""
    return setup_of(scenario)


def run_digest(folder: str) -> str:
    """Names what the runs of a folder learned: a run that was trained anew is another bidder."""
    state = hashlib.blake2b(digest_size=16)
    for policy in sorted(Path(folder).glob("**/policy.eqx")):
        state.update(policy.read_bytes())
    return state.hexdigest()


def is_run(name: str) -> bool:
    """Whether the name of a bidder is a folder."""
    return not names_bidder(name) and Path(name).is_dir()


def title_of(name: str) -> str:
    """What a bidder is called in tables and files: with its settings, if some are not by default.

    Raises:
        InputError: it is no bidder and no finished training run, or a setting cannot be used.
    """
    if is_run(name):
        runs = [Path(name), *(path for path in sorted(Path(name).iterdir()) if path.is_dir())]
        finished = [run for run in runs if (run / "policy.eqx").exists()]
        if not finished:
            raise InputError(f"{name}: holds no policy.eqx; let `equibid train` finish it first")
        for run in finished:
            saved_algorithm(run)
        return Path(name).name
    return bidder_label(name)
