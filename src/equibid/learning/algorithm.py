"""The contract of a learning algorithm, and its settings by name.

An algorithm is a frozen dataclass of settings with three pure functions; the trainer does the rest
(seeds, checkpoints, judging, loggers):

    state = algorithm.init(task, key)
    for every step:
        state, metrics = algorithm.step(task, state)
    bidder = algorithm.policy(task, state)

Settings are bool, int, float, str, a `Literal`, a tuple of these, one of these or None, or a frozen
dataclass of such settings, whose fields are named with a dot, as ``network.width``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, ClassVar, NamedTuple, Protocol, get_type_hints

import jax
from jaxtyping import Array

from equibid.bidders.bidder import Bidder
from equibid.envs.problem import EnvMode, Task
from equibid.errors import InputError, near
from equibid.registry import Registry
from equibid.settings import as_text, parsed, told

# A NamedTuple of arrays: all that a run needs to go on, keys as key data.
State = Any


class Algorithm(Protocol):
    """A frozen dataclass of settings, hashable: programs are compiled for each.

    Attributes:
        observer: what agents see, by name.
        reward: of a step, by name, as ``cpa:weight=2``.
        env_mode: where they learn.
        agent: turns actions into bids, if not by factor.
        steps: that a run with these settings is worth, unless told otherwise.

    An algorithm may have more: the class attributes of `Habits`, and a method
    ``prepared(task, auction, markets)``, which gives the task that it learns.
    """

    agent: ClassVar[Bidder | None]
    steps: ClassVar[int]

    @property
    def observer(self) -> str: ...  # noqa: D102

    @property
    def reward(self) -> str: ...  # noqa: D102

    @property
    def env_mode(self) -> EnvMode: ...  # noqa: D102

    def init(self, task: Task, key: jax.Array) -> State:
        """The state of a run that has learnt nothing yet."""
        ...

    def step(self, task: Task, state: State) -> tuple[State, dict[str, Array]]:
        """Play episodes and learn from them; pure, compiled, and mapped over seeds.

        Returns:
            The state after it, of the same shapes and dtypes, and metrics, each a number. Those
            without a ``/`` in their name are shown while a run goes on; the others
            (``critic/loss``) are only written down.
        """
        ...

    def policy(self, task: Task, state: State) -> Bidder:
        """What the run has learnt, as a bidder."""
        ...


class Habits(NamedTuple):
    """What an algorithm may say of itself in class attributes, and what holds where it does not.

    Attributes:
        on_host: whether its steps do something outside XLA: they are not compiled as a whole, and
            run seed after seed.
        keeps_last: whether the state of the last judgement is kept, and not the one judged best.
        opponent_prob: the chance that an opponent drives an agent for a period, unless asked for.
        eval_metric: which number of a judgement counts, unless asked for.
    """

    on_host: bool = False
    keeps_last: bool = False
    opponent_prob: float = 0.5
    eval_metric: str = "seated"


def habits_of(algorithm: Algorithm) -> Habits:
    """What an algorithm says of itself."""
    own = {name: getattr(algorithm, name, usual) for name, usual in Habits()._asdict().items()}
    return Habits(**own)


ALGORITHMS: Registry[Callable[[], Algorithm]] = Registry("algorithm")
"""Learning algorithms by name: what makes one with its default settings, its class or a
partial of it for a preset."""


def algorithm_named(name: str, assignments: Sequence[str] = ()) -> Algorithm:
    """An algorithm of the registry with some settings changed.

    Args:
        name: in `ALGORITHMS`.
        assignments: as ``learning_rate=1e-4``.

    Raises:
        InputError: there is no such algorithm or setting, or it does not take such a value.
    """
    return assigned(ALGORITHMS[name](), assignments, name)


def assigned(settings: Any, assignments: Sequence[str], name: str) -> Any:
    """Settings with some changed.

    Args:
        settings: a dataclass of settings.
        assignments: as ``learning_rate=1e-4``.
        name: of what has them, for people.

    Raises:
        InputError: there is no such setting, or it does not take such a value.
    """
    texts = {}
    for assignment in assignments:
        setting, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"{name}: write SETTING=VALUE, not {assignment!r}")
        texts[setting.strip()] = text.strip()
    return _changed(settings, texts, name)


def settings_of(algorithm: Any) -> dict[str, Any]:
    """The settings as JSON holds them, those of inner dataclasses under dotted names."""
    flat: dict[str, Any] = {}
    for field in fields(algorithm):
        value = getattr(algorithm, field.name)
        if is_dataclass(value):
            inner = settings_of(value).items()
            flat |= {f"{field.name}.{name}": x for name, x in inner}
        else:
            flat[field.name] = list(value) if isinstance(value, tuple) else value
    return flat


def with_settings(name: str, settings: Mapping[str, Any]) -> Algorithm:
    """The algorithm that `settings_of` described."""
    return algorithm_named(name, [f"{key}={as_text(value)}" for key, value in settings.items()])


def _changed(settings: Any, texts: Mapping[str, str], name: str) -> Any:
    """All at once: settings may only be right together."""
    kinds = get_type_hints(type(settings), include_extras=True)
    known = {field.name: kinds[field.name] for field in fields(settings)}
    values: dict[str, Any] = {}
    inner: dict[str, dict[str, str]] = {}
    for path, text in texts.items():
        field, _, rest = path.partition(".")
        if field not in known:
            others = near(field, known) or known
            raise InputError(f"{name} has no setting {field!r}; try {', '.join(others)}")
        if rest:
            inner.setdefault(field, {})[rest] = text
            continue
        try:
            values[field] = parsed(known[field], text)
        except ValueError as error:
            raise InputError(
                f"{name}: {path} must be {told(known[field])}, not {text!r}"
            ) from error
    for field, parts in inner.items():
        whole = getattr(settings, field)
        if not is_dataclass(whole):
            raise InputError(f"{name}: {field} has no parts, so no {field}.{next(iter(parts))}")
        values[field] = _changed(whole, parts, f"{name}: {field}")
    return replace(settings, **values)
