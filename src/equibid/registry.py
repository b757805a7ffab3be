"""Names for things that are declared once: bidders, auctions, markets, log formats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Generic, TypeVar

from equibid.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """A table of named entries, each with a sentence for people.

    >>> fruits: Registry[int] = Registry("fruit")
    >>> fruits.add("apple", "Grows on trees.")(1)
    1
    >>> fruits["apple"]
    1
    """

    kind: str
    entries: dict[str, T] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, summary: str) -> Callable[[T], T]:
        """Decorator that files its argument under `name`."""

        def file(entry: T) -> T:
            if name in self.entries:
                raise ValueError(f"{self.kind} {name!r} is declared twice")
            self.entries[name] = entry
            self.summaries[name] = summary
            return entry

        return file

    def __getitem__(self, name: str) -> T:
        """The entry called `name`; raises `InputError` with the nearest names."""
        if name not in self.entries:
            near = get_close_matches(name, self.entries, n=3) or sorted(self.entries)
            raise InputError(f"there is no {self.kind} {name!r}; try {', '.join(near)}")
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)
