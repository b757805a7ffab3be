"""Settings of a dataclass from words, as a command line has them."""

import ast
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from inspect import getsource
from itertools import pairwise
from math import isnan
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin


def parsed(kind: Any, text: str) -> Any:
    """The value of a type that a text stands for.

    Args:
        kind: bool, int, float, str, a Literal, a tuple of these, or a union of these and None.
        text: as ``1e-4``, ``true``, ``64,64`` or ``none``.

    Raises:
        ValueError: it stands for none.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        # Any text is a str, so that comes last.
        return _first(sorted(inner, key=lambda x: x is str), text)
    if origin is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        kinds = [inner[0]] * len(parts) if inner[-1] is Ellipsis else inner
        return tuple(parsed(k, part) for k, part in zip(kinds, parts, strict=True))
    if origin is Literal:
        return _one_of({str(x): x for x in inner}, text)
    if kind is bool:
        return _one_of({"true": True, "false": False}, text)
    if kind is NoneType:
        return _one_of({"none": None}, text)
    return _scalar(kind, text)


def told(kind: Any) -> str:
    """A type for people, after "must be"."""
    origin, inner = get_origin(kind), get_args(kind)
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


def as_text(value: Any) -> str:
    """What `parsed` would take for a value."""
    if isinstance(value, list | tuple):
        return ",".join(as_text(x) for x in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def described(settings: Any) -> list[tuple[str, str, str]]:
    """Name, value and meaning of every setting; the meaning is the docstring under the field."""
    rows = []
    docs = _docs(type(settings))
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            rows += [(f"{field.name}.{name}", *rest) for name, *rest in described(value)]
        else:
            rows.append((field.name, as_text(value), docs.get(field.name, "")))
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
