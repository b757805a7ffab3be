"""Names for things that are declared once: bidders, auctions, markets, log formats."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import signature
from math import isfinite
from typing import Any, Generic, TypeVar

from equibid.errors import InputError, near
from equibid.settings import as_text, meanings, parsed, settable, told

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
            others = near(name, self.entries) or sorted(self.entries)
            raise InputError(f"there is no {self.kind} {name!r}; try {', '.join(others)}")
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)


@dataclass(frozen=True)
class Setting:
    """A setting of an entry, as the signature of what is registered says it.

    Attributes:
        kind: its type, as `equibid.settings.parsed` takes it.
        default: what it is where it is not named.
        meaning: a sentence for people.
    """

    kind: Any
    default: Any
    meaning: str


def settings_of(entry: Callable[..., Any]) -> dict[str, Setting]:
    """The settings of an entry: its arguments that have a default and can be written as a word."""
    said = meanings(entry.__doc__)
    found = {}
    for name, argument in signature(entry, eval_str=True).parameters.items():
        default, kind = argument.default, argument.annotation
        if default is argument.empty:
            continue
        if kind is argument.empty:
            kind = str if default is None else type(default)
        if settable(kind):
            found[name] = Setting(kind, default, said.get(name, ""))
    return found


def parted(text: str) -> list[str]:
    """The entries of a list with commas, in which entries may have settings.

    A piece ``setting=value`` belongs to the entry before it where that one has a colon; any other
    piece begins an entry.

    >>> parted("pid-ecpc:reference=40,kp=0.5, lin")
    ['pid-ecpc:reference=40,kp=0.5', 'lin']
    """
    entries: list[str] = []
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        if entries and ":" in entries[-1] and re.match(r"[\w.-]+\s*=", piece):
            entries[-1] += f",{piece}"
        else:
            entries.append(piece)
    return entries


def named(registry: Registry[Callable[..., Any]], text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of ``name`` or ``name:setting=value,…``, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such entry or setting, or a setting takes no such value.
    """
    name, _, listed = (part.strip() for part in text.partition(":"))
    known = settings_of(registry[name])
    what = f"{registry.kind} {name}"
    settings: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in listed.split(","))):
        setting, equals, word = (x.strip() for x in part.partition("="))
        if setting not in known:
            others = near(setting, known) or list(known)
            hint = f"try {', '.join(others)}" if others else "it has none"
            raise InputError(f"{what}: there is no setting {setting!r}; {hint}")
        if not equals:
            raise InputError(f"{what}: write {setting}=VALUE, not {part!r}")
        if setting in settings:
            raise InputError(f"{what}: {setting} is set twice; name it once")
        try:
            settings[setting] = finite(parsed(known[setting].kind, word))
        except ValueError as error:
            kind = told(known[setting].kind)
            raise InputError(f"{what}: {setting} must be {kind}, not {word!r}") from error
    return name, settings


def label(registry: Registry[Callable[..., Any]], text: str) -> str:
    """The shortest text that means the same: settings in their order, without those by default.

    It tells entries apart wherever they are named: in tables, in reports, in files.
    """
    name, settings = named(registry, text)
    known = settings_of(registry[name])
    words = [
        f"{key}={as_text(settings[key]).removesuffix('.0')}"
        for key in known
        if key in settings and settings[key] != known[key].default
    ]
    return f"{name}:{','.join(words)}" if words else name


def made(registry: Registry[Callable[..., T]], text: str) -> T:
    """What the entry ``name`` or ``name:setting=value,…`` makes, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such entry or setting, or a setting takes no such value.
    """
    name, settings = named(registry, text)
    return registry[name](**settings)


def finite(value: Any) -> Any:
    """The value itself; raises `ValueError` if it is an infinite number."""
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(value)
    return value
