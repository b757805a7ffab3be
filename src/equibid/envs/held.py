"""A function with what it is given first, in a form that copies and other processes can use.

A compiled program is known by the functions it calls, so a copied function would compile it again,
and Numba takes arrays that may be written for another type than those that may not.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jax
import numpy as np

from equibid.compiled import read_only


class Held:
    """As `functools.partial`, of things that are never changed.

    A copy of it is itself. One that was pickled equals the one it was made of, so that both run the
    same compiled programs, and its arrays cannot be written to, as before.
    """

    def __init__(self, function: Callable[..., Any], *given: Any, mark: str | None = None) -> None:
        """Hold a function of a module, and what comes first.

        Args:
            function: found again by its name.
            given: pytrees; arrays that stand there twice stay one.
            mark: by which it is known; default a new one.
        """
        known: dict[int, Any] = {}

        def still(x: Any) -> Any:
            if not isinstance(x, np.ndarray):
                return x
            return known.setdefault(id(x), read_only(x))

        self.function = function
        self.given = jax.tree.map(still, given)
        self.mark = mark or uuid4().hex

    def __call__(self, *further: Any) -> Any:
        """The function of what is held and what comes now."""
        return self.function(*self.given, *further)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self.mark == other.mark

    def __hash__(self) -> int:
        return hash(self.mark)

    def __copy__(self) -> "Held":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Held":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.function, self.given, self.mark)


def _again(function: Callable[..., Any], given: tuple[Any, ...], mark: str) -> Held:
    """Out of a pickle."""
    return Held(function, *given, mark=mark)
