"""A search by several processes: one asks, all compute the sums of their own impressions.

The first process searches, writes and prints; the others answer until it is done. What they add up
comes back block by block and is added in the order of one process alone, so that their number does
not change a bit of what is found (on a CPU; elsewhere by rounding). They find each other by the
coordinator of JAX, so that a search runs on one machine, on several by their addresses, or where a
cluster starts it (Slurm, Open MPI, Kubernetes).
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental.multihost_utils import broadcast_one_to_all, process_allgather

from equibid.equilibrium.game import Floats, Game, Question
from equibid.equilibrium.response.response import QUANTITIES, answers
from equibid.equilibrium.response.shares import blocks_each, share_of
from equibid.errors import InputError
from equibid.runs.market import digest
from equibid.runs.options import check_numbers

# Where the cluster that starts the processes tells which they are.
CLUSTER = "cluster"
# Seconds that processes of one machine, and of several, wait for each other.
NEAR, FAR = 120, 300
# And that the first waits for the others to part where they disagree.
GRACE = 2
NAMES = tuple(QUANTITIES)
DONE = -1.0


@dataclass(frozen=True)
class ProcessesConfig:
    """By how many processes, and how they find each other."""

    processes: int = 1
    """Processes that share the impressions between them. Those of this machine are started by the
    first."""

    coordinator: str | None = None
    """Where processes of several machines meet: the address of the first, as in node1:9911, the
    same for all; or cluster, where Slurm, Open MPI or Kubernetes starts them."""

    process: int | None = None
    """Number of this process, from 0, where the coordinator is an address."""


@contextmanager
def together(asked: ProcessesConfig, words: Sequence[str]) -> Iterator[None]:
    """Let this process find the others; those of this machine are started and ended.

    Nothing may have been computed by JAX before.

    Args:
        asked: how many, and where.
        words: what the others are called with, ``solve demo``, where they are started from here.

    Raises:
        InputError: what is asked does not go together, or the others do not come.
    """
    check_numbers(asked)
    _check(asked)
    if asked.processes == 1:
        yield
        return
    if asked.coordinator is not None:
        _join(asked, FAR)
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "equibid", *words, "--coordinator", address, "--process"]
    others = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.DEVNULL, start_new_session=True)
        for number in range(1, asked.processes)
    ]
    try:
        _join(replace(asked, coordinator=address, process=0), NEAR)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def first() -> bool:
    """Whether this process is the one that asks."""
    return jax.process_index() == 0


@contextmanager
def shared(games: Sequence[Game]) -> Iterator[list[Game]]:
    """The games, whose sums all processes compute; as they are where there is but one.

    Every process makes the same games; then the first comes here, and the others `answer`.

    Raises:
        InputError: another process has other games.
    """
    if jax.process_count() == 1:
        yield list(games)
        return
    _agree(games)
    parts = _shares(games)
    try:
        yield [
            replace(game, shares=partial(_ask, number, game, part))
            for number, (game, part) in enumerate(zip(games, parts, strict=True))
        ]
    except InputError:
        _let_go()
        raise
    _let_go()


def answer(games: Sequence[Game]) -> None:
    """Compute what the first process asks of the games, until it is done."""
    _agree(games)
    parts = _shares(games)
    while (head := _told(np.zeros(len(Head._fields))))[0] != DONE:
        told = Head(*head.tolist())
        part = _under(parts[int(told.game)], told)
        rows = int(told.rows)
        tables = _told(np.zeros((rows + int(told.arguments), len(part.cap))))
        question = Question(
            NAMES[int(told.quantity)], tables[:rows], tuple(tables[rows:]), bool(told.by_xla)
        )
        _sums(part, question, blocks_each(games[int(told.game)], jax.process_count()))
    _leave()


class Head(NamedTuple):
    """What is asked, and how large the tables that follow are; all numbers are sent as float64."""

    game: float
    quantity: float
    by_xla: float
    rows: float
    arguments: float
    temperature: float
    bid_cap: float
    outside: float


def _agree(games: Sequence[Game]) -> None:
    """Make sure that all processes have the same games.

    Raises:
        InputError: they have not.
    """
    own = np.frombuffer(bytes.fromhex(digest(_numbers(game) for game in games)), np.uint8)
    every = _gathered(own.astype(np.float64))
    for process, other in enumerate(every):
        if (other != every[0]).any():
            _leave()
            raise InputError(
                f"process {process} has another market or rule than process 0: give all of them "
                "the same version of Equibid, the same options and the same files"
            )


def _leave() -> None:
    """Let all processes part before the first one ends: the coordinator is there.

    One that is still connected when the coordinator ends is ended without a sentence.
    """
    if first():
        time.sleep(GRACE)
    else:
        jax.distributed.shutdown()


def _shares(games: Sequence[Game]) -> list[Game]:
    """This process's shares of the games."""
    return [share_of(game, jax.process_index(), jax.process_count()) for game in games]


def _let_go() -> None:
    """Let the other processes end."""
    _told(np.full(len(Head._fields), DONE))


def _ask(number: int, whole: Game, part: Game, game: Game, question: Question) -> Iterator[Floats]:
    """The sums of all processes, in their order.

    Args:
        number: of the game.
        whole: the game.
        part: this process's share of it.
        game: as it is asked about: at another temperature, cap on bids, or without the outside.
        question: what is asked.

    Raises:
        ValueError: the impressions are others, which the other processes do not have.
    """
    alike = game.auction.pricing == whole.auction.pricing
    for name in ("values", "candidates", "tick_start"):
        alike &= getattr(game.market, name) is getattr(whole.market, name)
    if not alike:
        raise ValueError("the processes share other impressions; ask without them (shares=None)")
    factors = np.atleast_2d(question.factors)
    head = Head(
        game=number,
        quantity=NAMES.index(question.quantity),
        by_xla=question.by_xla,
        rows=len(factors),
        arguments=len(question.arguments),
        temperature=float(game.auction.temperature),
        bid_cap=float(game.market.bid_cap),
        outside=game.market.market_price is not None,
    )
    _told(np.asarray(head, np.float64))
    _told(np.concatenate([factors, *(x[None] for x in question.arguments)]))
    every = _sums(_under(part, head), question, blocks_each(game, jax.process_count()))
    yield from every.reshape(-1, *every.shape[2:])


def _under(part: Game, head: Head) -> Game:
    """A share of a game under the rule that is asked about."""
    price = part.market.market_price if head.outside else None
    market = replace(part.market, bid_cap=head.bid_cap, market_price=price)
    return replace(part, market=market).at(head.temperature)


def _sums(part: Game, question: Question, blocks: int) -> Floats:
    """[P B rows N] the sums of each process; zero where one has fewer blocks."""
    shape = (QUANTITIES[question.quantity].rows, part.market.advertisers)
    own = np.zeros((1 if question.by_xla else blocks, *shape))
    for place, sums in enumerate(answers(part, question)):
        own[place] = sums
    return _gathered(own)


def _numbers(game: Game) -> tuple[object, ...]:
    """All that the sums of a game depend on."""
    market, auction = game.market, game.auction
    arrays = (market.values, market.tick_start, market.market_price, market.candidates)
    rule = np.asarray([auction.temperature, auction.pricing == "hard", market.bid_cap])
    return (*arrays, rule)


def _join(asked: ProcessesConfig, wait: int) -> None:
    """Meet the other processes.

    Raises:
        InputError: they do not come, or this process computed by JAX before.
    """
    given = (asked.coordinator, asked.processes, asked.process)
    found = (None, None, None) if asked.coordinator == CLUSTER else given
    # A process that is lost is an error in the others, and does not end them without a word.
    jax.config.update("jax_enable_recoverability", True)
    try:
        with _silent():
            jax.distributed.initialize(*found, initialization_timeout=wait)
            process_allgather(np.zeros(1))
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"--processes {asked.processes}: the processes did not meet at {asked.coordinator} "
            f"({str(error).splitlines()[0]}); start as many with the same --coordinator, each "
            "with its --process"
        ) from error
    if jax.process_count() != asked.processes:
        raise InputError(
            f"--processes {asked.processes}: the cluster started {jax.process_count()}; "
            "name as many"
        )


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what libraries of C++ print of their connections away from standard output and error."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    with Path(os.devnull).open("wb") as nowhere:
        for stream, _ in kept:
            os.dup2(nowhere.fileno(), stream)
    try:
        yield
    finally:
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)


def _told(numbers: Floats) -> Floats:
    """The numbers of the first process; what the others give has their shape.

    Raises:
        InputError: a process is lost.
    """
    with _whole():
        return np.asarray(broadcast_one_to_all(numbers))


def _gathered(numbers: Floats) -> Floats:
    """The numbers of all processes, one after the other.

    Raises:
        InputError: a process is lost.
    """
    with _whole():
        return np.asarray(process_allgather(numbers))


@contextmanager
def _whole() -> Iterator[None]:
    """Say it plainly if a process is lost.

    Raises:
        InputError: one is.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"process {jax.process_index()} of {jax.process_count()} has lost another, which "
            "printed why; the same command goes on from the last start that was finished"
        ) from error


def _check(asked: ProcessesConfig) -> None:
    """Refuse what does not go together.

    Raises:
        InputError: it does not.
    """
    address = asked.coordinator not in (None, CLUSTER)
    if asked.coordinator is not None and asked.processes == 1:
        raise InputError("--coordinator is for several processes; name how many with --processes")
    if address and (asked.process is None or not 0 <= asked.process < asked.processes):
        raise InputError(
            f"--coordinator {asked.coordinator}: name the number of this process, "
            f"--process 0 to {asked.processes - 1}"
        )
    if not address and asked.process is not None:
        raise InputError("--process is a number beside the address of a coordinator; leave it out")
