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
    folder, seed = _folder_and_seed(name)
    return Entry(title_of(name), learned(scenario, run_for(scenario, folder), seed))


def run_for(scenario: Scenario, folder: Path) -> Path:
    """The training run of a case: of a log of several campaigns each has its own folder."""
    own = folder / file_name(scenario.name)
    return own if own.is_dir() else folder


def learned(scenario: Scenario, folder: Path, seed: int | None = None) -> Bidder:
    """What a run has learnt, in a case's market and tuned on its training log.

    Args:
        scenario: the case.
        folder: of the run.
        seed: of the run; by default the one with the best score.

    Raises:
        InputError: it is no finished run, it has no such seed, or it learned for another number
            of advertisers.
    """
    algorithm, _ = saved_algorithm(folder)
    task = _setup(scenario).task_for(algorithm)
    return load_policy(folder, lambda config: task, seed)


@lru_cache(maxsize=1)
def _setup(scenario: Scenario) -> TrainingSetup:
    """Of the case last asked for: what is known of its day before is the same for all runs."""
    return setup_of(scenario)


def run_digest(name: str) -> str:
    """Names what the runs of a folder learned: a run that was trained anew is another bidder."""
    state = hashlib.blake2b(digest_size=16)
    for policy in sorted(_folder_and_seed(name)[0].glob("**/policy.eqx")):
        state.update(policy.read_bytes())
    return state.hexdigest()


def is_run(name: str) -> bool:
    """Whether the name of a bidder is a folder, or one seed of it as ``FOLDER:seed=2``."""
    return not names_bidder(name) and _folder_and_seed(name)[0].is_dir()


def _folder_and_seed(name: str) -> tuple[Path, int | None]:
    """A run's folder, and which of its seeds is meant; nothing for the best."""
    folder, found, seed = name.rpartition(":seed=")
    if not found or not seed.isdecimal() or Path(name).is_dir():
        return Path(name), None
    return Path(folder), int(seed)


def title_of(name: str) -> str:
    """What a bidder is called in tables and files: with its settings, if some are not by default.

    Raises:
        InputError: it is no bidder and no finished training run, or a setting cannot be used.
    """
    if is_run(name):
        folder, seed = _folder_and_seed(name)
        runs = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir())]
        finished = [run for run in runs if (run / "policy.eqx").exists()]
        if not finished:
            raise InputError(f"{name}: holds no policy.eqx; let `equibid train` finish it first")
        for run in finished:
            saved_algorithm(run)
        return folder.name if seed is None else f"{folder.name}:seed={seed}"
    return bidder_label(name)
