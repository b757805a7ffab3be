"""Names for things that are declared once: bidders, auctions, markets, log formats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
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


def made(registry: Registry[Callable[..., T]], text: str) -> T:
    """What the entry ``name`` or ``name:setting=number,…`` makes, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such entry or setting, or a setting is no number.
    """
    name, _, listed = text.partition(":")
    what = f"{registry.kind} {text}"
    settings = {}
    for part in filter(None, listed.split(",")):
        setting, _, amount = part.partition("=")
        try:
            settings[setting.strip()] = float(amount)
        except ValueError as error:
            raise InputError(f"{what}: write {setting}=NUMBER, not {part!r}") from error
        if not isfinite(settings[setting.strip()]):
            raise InputError(f"{what}: {setting} must be a finite number, not {amount}")
    try:
        return registry[name](**settings)
    except TypeError as error:
        raise InputError(f"{what}: {name} has no setting {', '.join(settings)}") from error
