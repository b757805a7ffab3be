"""Numbers of a run by step and seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int


class Rows(NamedTuple):
    """A table as arrays, for a checkpoint.

    Attributes:
        steps: of each row.
        numbers: a matrix a row, seeds × names.
    """

    steps: Int[np.ndarray, " R"]
    numbers: Float[np.ndarray, "R S M"]


@dataclass
class Table:
    """Grows by a row a step; every row has the same names.

    Attributes:
        seeds: of the run.
        names: of the numbers, in order of the alphabet; known after the first row.
        steps: of each row.
        numbers: [S M] a row.
    """

    seeds: Sequence[int]
    names: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    numbers: list[Float[np.ndarray, "S M"]] = field(default_factory=list)

    def add(self, step: int, columns: Mapping[str, Any]) -> None:
        """Add the numbers of all seeds at a step.

        Raises:
            ValueError: the names are not those of the rows before, or it is not a number a seed.
        """
        names = sorted(columns)
        if self.steps and names != self.names:
            raise ValueError(f"names of numbers changed from {self.names} to {names}")
        for name in names:
            if np.shape(columns[name]) != (len(self.seeds),):
                raise ValueError(f"{name} must be one number, not of shape {columns[name].shape}")
        self.names = names
        self.steps.append(step)
        row = [np.asarray(columns[name], np.float64) for name in names]
        self.numbers.append(np.stack(row, axis=1) if row else np.zeros((len(self.seeds), 0)))

    def rows(self) -> Rows:
        """As arrays."""
        steps = np.asarray(self.steps, np.int64)
        if not self.numbers:
            return blank(0, len(self.seeds), len(self.names))
        return Rows(steps, np.stack(self.numbers))

    def frame(self) -> pl.DataFrame:
        """A row a step and seed."""
        rows = self.rows()
        flat = rows.numbers.reshape(len(self.steps) * len(self.seeds), len(self.names))
        columns = {name: flat[:, i].copy() for i, name in enumerate(self.names)}
        steps = np.repeat(rows.steps, len(self.seeds))
        seeds = np.tile(np.asarray(self.seeds, np.int64), len(self.steps))
        return pl.DataFrame({"step": steps, "seed": seeds} | columns)


def table_of(seeds: Sequence[int], names: Sequence[str], rows: Rows) -> Table:
    """The table that gave the rows."""
    return Table(seeds, list(names), rows.steps.tolist(), list(rows.numbers))


def blank(rows: int, seeds: int, names: int) -> Rows:
    """Rows of these sizes, for what is to be read."""
    return Rows(np.zeros(rows, np.int64), np.zeros((rows, seeds, names)))
