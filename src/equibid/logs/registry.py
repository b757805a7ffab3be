"""The log formats by name: a reader is declared where it is written, and found everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from equibid.logs.dataset import LogDataset
from equibid.registry import Registry


@dataclass(frozen=True)
class Reader:
    """How to tell a log format, and how to read it.

    Attributes:
        recognises: whether a file or folder looks like this format, judged without reading it all.
        read: all datasets of a file or folder; raises `InputError` if it holds none.
    """

    recognises: Callable[[Path], bool]
    read: Callable[[Path], list[LogDataset]]


READERS: Registry[Reader] = Registry("log format")
"""Forms of logs that are played, by name."""
