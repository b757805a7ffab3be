"""Settings of an algorithm by name, as typed and as kept in a config."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS, algorithm_named, settings_of, with_settings
from equibid.settings import described
from learning.toy import Net, Toy


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    ALGORITHMS.add("toy", "Looks for a point.")(Toy)
    ALGORITHMS.add("toy-still", "Sees the point.")(partial(Toy, noise=0.0))
    yield
    for name in ("toy", "toy-still"):
        del ALGORITHMS.entries[name], ALGORITHMS.summaries[name]


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("learning_rate=1e-4", Toy(learning_rate=1e-4)),
        ("learning_rate = inf", Toy(learning_rate=float("inf"))),
        ("learning_rate=3", Toy(learning_rate=3.0)),
        ("momentum=false", Toy(momentum=False)),
        ("clip=0.5", Toy(clip=0.5)),
        ("clip=none", Toy()),
        ("kind=sgd", Toy(kind="sgd")),
        ("episodes=1e3", Toy(episodes=1000)),
        ("net.width=16", Toy(net=Net(width=16))),
        ("net.layers=64,32,", Toy(net=Net(layers=(64, 32)))),
    ],
)
def test_a_setting_is_read_as_its_field_is_typed(assignment: str, changed: Toy) -> None:
    algorithm = algorithm_named("toy", [assignment])
    assert algorithm == changed
    assert isinstance(algorithm, Toy)
    assert type(algorithm.learning_rate) is float
    assert type(algorithm.episodes) is int
    # Through a config and back.
    kept = json.loads(json.dumps(settings_of(algorithm)))
    assert with_settings("toy", kept) == changed
    assert with_settings("toy-still", kept) == changed


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("learning_rat=1", "toy has no setting 'learning_rat'; try learning_rate"),
        ("zzz=1", "try learning_rate, noise, momentum"),
        ("learning_rate=fast", "learning_rate must be a number, not 'fast'"),
        ("learning_rate=nan", "learning_rate must be a number"),
        ("learning_rate", "write SETTING=VALUE, not 'learning_rate'"),
        ("episodes=2.5", "episodes must be an integer, not '2.5'"),
        ("momentum=maybe", "momentum must be true or false, not 'maybe'"),
        ("clip=no", "clip must be a number or none"),
        ("kind=rms", "kind must be adam or sgd, not 'rms'"),
        ("net=8", "net must be set by its parts (.width, .layers)"),
        ("net.with=8", "toy: net has no setting 'with'; try width"),
        ("net.layers=a", "layers must be an integer, or several with commas"),
        ("noise.scale=1", "noise has no parts, so no noise.scale"),
    ],
)
def test_a_wrong_setting_is_answered_in_one_sentence(assignment: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        algorithm_named("toy", [assignment])
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_preset_has_other_defaults() -> None:
    assert algorithm_named("toy-still") == Toy(noise=0.0)
    assert algorithm_named("toy-still", ["noise=0.2", "noise=0.1"]) == Toy(noise=0.1)
    with pytest.raises(InputError, match="there is no algorithm 'toyy'; try toy"):
        algorithm_named("toyy")


def test_settings_are_described_by_the_words_under_them() -> None:
    rows = described(replace(Toy(), clip=0.5))
    assert rows[0] == ("learning_rate", "0.05", "a number", "Of Adam, at every step.")
    assert ("clip", "0.5", "a number or none", "") in rows
    assert ("net.width", "8", "an integer", "Units of a layer.") in rows
    assert ("net.layers", "4,4", "an integer, or several with commas", "") in rows


OURS = [name for name in ALGORITHMS if not name.startswith("toy")]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_says_what_it_is_in_a_sentence_of_its_own(name: str) -> None:
    for setting, *_, meaning in described(ALGORITHMS[name]()):
        assert meaning.endswith("."), (name, setting, meaning)
        assert len(meaning.split()) > 3, (name, setting, meaning)


@pytest.mark.parametrize("name", OURS)
def test_what_a_field_refuses_is_refused_typed_and_made(name: str) -> None:
    algorithm = ALGORITHMS[name]()
    number = next(x for x in ("learning_rate", "actor_learning_rate") if hasattr(algorithm, x))
    for setting, wrong in ((number, 0.0), ("num_envs", 0), ("num_envs", 1.5), ("env_mode", "moon")):
        with pytest.raises(InputError, match=rf"{setting} must be .*, not {wrong}"):
            replace(algorithm, **{setting: wrong})
        with pytest.raises(InputError, match=rf"{setting} must be .*, not '{wrong}'"):
            algorithm_named(name, [f"{setting}={wrong}"])
    # Bounds are the field's: a share may be 1, a rate above 1, and no name stands twice.
    assert replace(algorithm, **{number: 2.0})
    names = [setting for setting, *_ in described(algorithm)]
    assert len(set(names)) == len(names)
