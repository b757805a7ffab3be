"""Settings from words, as a command line has them: their types, their bounds, their meaning."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from inspect import cleandoc, getsource
from itertools import pairwise
from math import inf, isnan
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Within:
    """The numbers that a setting takes, as in ``Annotated[float, Within(above=0)]``.

    Attributes:
        least: the lowest one.
        most: the highest one.
        above: all are higher than this one.
    """

    least: float = -inf
    most: float = inf
    above: float = -inf

    def __contains__(self, x: float) -> bool:
        return self.least <= x <= self.most and x > self.above

    def __str__(self) -> str:
        words = [
            f"{word} {bound:g}"
            for word, bound, none in (
                ("above", self.above, -inf),
                ("from", self.least, -inf),
                ("up to", self.most, inf),
            )
            if bound != none
        ]
        return " ".join(words)


# What the types of few values are written as.
WORDS: dict[Any, dict[str, Any]] = {
    bool: {"true": True, "false": False, "1": True, "0": False},
    NoneType: {"none": None},
}


def parsed(kind: Any, text: str) -> Any:
    """The value of a type that a text stands for.

    Args:
        kind: bool, int, float, str, a Literal, a tuple of these, or a union of these and None;
            numbers may be annotated with what they lie `Within`.
        text: as ``1e-4``, ``true``, ``64,64`` or ``none``.

    Raises:
        ValueError: it stands for none.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        value = parsed(inner[0], text)
        if any(value not in bound for bound in _bounds(inner)):
            raise ValueError(text)
        return value
    if origin in (Union, UnionType):
        # Any text is a str, so that comes last.
        return _first(sorted(inner, key=lambda x: x is str), text)
    if origin is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        kinds = [inner[0]] * len(parts) if inner[-1] is Ellipsis else inner
        return tuple(parsed(k, part) for k, part in zip(kinds, parts, strict=True))
    words = {str(x): x for x in inner} if origin is Literal else WORDS.get(kind)
    return _scalar(kind, text) if words is None else _one_of(words, text)


def told(kind: Any) -> str:
    """A type for people, after "must be"."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return " ".join([told(inner[0]), *map(str, _bounds(inner))])
    if origin in (Union, UnionType):
        return " or ".join(told(x) for x in inner)
    if origin is Literal:
        return " or ".join(str(x) for x in inner)
    if origin is tuple:
        many = inner[-1] is Ellipsis
        return f"{told(inner[0])}, or several with commas" if many else ", ".join(map(told, inner))
    if is_dataclass(kind):
        return f"set by its parts ({', '.join(f'.{x.name}' for x in fields(kind))})"
    names = {bool: "true or false", int: "an integer", float: "a number", NoneType: "none"}
    return names.get(kind, "a word")


def fits(kind: Any, value: Any) -> bool:
    """Whether a value is one that `parsed` could give for a type; other types take any.

    Args:
        kind: as of `parsed`; a tuple of any length takes at least one.
        value: to be judged; a whole number counts as a float.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return fits(inner[0], value) and all(value in bound for bound in _bounds(inner))
    if origin in (Union, UnionType):
        return any(fits(x, value) for x in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        many = inner[-1] is Ellipsis
        kinds = [inner[0]] * max(len(value), 1) if many else inner
        return len(kinds) == len(value) and all(map(fits, kinds, value))
    number = isinstance(value, (int, float) if kind is float else int)
    if kind in (int, float):
        return number and not isinstance(value, bool) and not isnan(value)
    return not isinstance(kind, type) or isinstance(value, kind)


def as_text(value: Any) -> str:
    """What `parsed` would take for a value."""
    if isinstance(value, list | tuple):
        return ",".join(as_text(x) for x in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def described(settings: Any) -> list[tuple[str, str, str, str]]:
    """Every setting: its name, its value, what it takes, and the docstring under its field."""
    rows = []
    docs = _docs(type(settings))
    kinds = get_type_hints(type(settings), include_extras=True)
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            rows += [(f"{field.name}.{name}", *rest) for name, *rest in described(value)]
        else:
            takes = told(kinds[field.name])
            rows.append((field.name, as_text(value), takes, docs.get(field.name, "")))
    return rows


def _docs(kind: type) -> dict[str, str]:
    """The docstrings under the fields of a class, by field."""
    docs = {}
    for base in reversed([base for base in kind.__mro__ if is_dataclass(base)]):
        tree = ast.parse(dedent(getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for line, after in pairwise(tree.body):
            match line, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    docs[name] = " ".join(text.split())
    return docs


def settable(kind: Any) -> bool:
    """Whether `parsed` knows the type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return True
    if origin is Annotated:
        return settable(inner[0])
    if origin in (Union, UnionType, tuple):
        return all(settable(x) for x in inner if x is not Ellipsis)
    return kind in (bool, int, float, str, NoneType)


def meanings(docstring: str | None) -> dict[str, str]:
    """What the section "Args" or "Attributes" of a docstring says of each name."""
    said: dict[str, str] = {}
    inside, name = False, ""
    for line in cleandoc(docstring or "").splitlines():
        words = line.strip()
        if words and not line.startswith(" "):
            inside, name = words in ("Args:", "Attributes:"), ""
        elif inside and line.startswith("    ") and line[4:5] != " " and ": " in words:
            name, _, meaning = words.partition(": ")
            said[name] = meaning
        elif inside and name and words:
            said[name] += f" {words}"
    return said


def _bounds(inner: Sequence[Any]) -> list[Within]:
    return [bound for bound in inner if isinstance(bound, Within)]


def _first(kinds: Sequence[Any], text: str) -> Any:
    for kind in kinds:
        try:
            return parsed(kind, text)
        except ValueError:
            continue
    raise ValueError(text)


def _one_of(values: dict[str, Any], text: str) -> Any:
    if text not in values:
        raise ValueError(text)
    return values[text]


def _scalar(kind: Any, text: str) -> Any:
    if kind is str:
        return text
    if kind not in (int, float) or isnan(float(text)):
        raise ValueError(text)
    if kind is float:
        return float(text)
    try:
        return int(text)
    except ValueError:
        # As 1e6.
        if not float(text).is_integer():
            raise
        return int(float(text))
