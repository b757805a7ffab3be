"""Entries by name, with settings after a colon."""

from typing import Annotated, Literal

import pytest

from equibid.errors import InputError, near
from equibid.registry import Registry, label, made, named, parted, settings_of
from equibid.settings import Within, as_text, parsed, told

FRUITS: Registry = Registry("fruit")


@FRUITS.add("apple", "Grows on trees.")
def apple(
    log: object = None,
    weight: Annotated[float, Within(above=0, most=5)] = 1.5,
    seeds: int = 8,
    ripe: bool = True,
    price: Annotated[float, Within(least=0)] | None = None,
    colour: Literal["red", "green"] = "red",
    plain=2,
) -> dict:
    """An apple.

    Args:
        log: takes no word, so it is no setting.
        weight: in ounces,
            unpeeled.
        seeds: inside.
    """
    return {"weight": weight, "seeds": seeds, "ripe": ripe, "price": price, "colour": colour}


FRUITS.add("plum", "Blue.")(lambda: {})


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("lin,pacing", ["lin", "pacing"]),
        (" lin , ,pacing,", ["lin", "pacing"]),
        ("pid:reference=40,kp=0.1,lin", ["pid:reference=40,kp=0.1", "lin"]),
        ("pid:kp=1,pid:kp=2,ki=3", ["pid:kp=1", "pid:kp=2,ki=3"]),
        ("pid: kp = 1 , ki = 2, lin", ["pid: kp = 1,ki = 2", "lin"]),
        # A folder of a sweep has an equals sign in its name, and is no setting.
        ("lin,rate=1_seed=0", ["lin", "rate=1_seed=0"]),
        ("pid:kp=1,runs/sweep/rate=1_seed=0,lin", ["pid:kp=1", "runs/sweep/rate=1_seed=0", "lin"]),
        ("", []),
    ],
)
def test_a_list_is_parted_in_one_way(text: str, entries: list[str]) -> None:
    assert parted(text) == entries
    assert parted(",".join(entries)) == entries


def test_settings_are_typed_by_the_signature() -> None:
    text = "apple: weight=2, seeds=1e1, ripe=false, price=none, colour=green"
    assert made(FRUITS, text) == {
        "weight": 2.0,
        "seeds": 10,
        "ripe": False,
        "price": None,
        "colour": "green",
    }
    assert named(FRUITS, "apple:plain=3") == ("apple", {"plain": 3})
    assert made(FRUITS, "apple:price=3")["price"] == 3.0


def test_settings_are_described() -> None:
    known = settings_of(apple)
    assert list(known) == ["weight", "seeds", "ripe", "price", "colour", "plain"]
    assert known["weight"].meaning == "in ounces, unpeeled."
    assert (known["seeds"].meaning, known["ripe"].meaning) == ("inside.", "")
    assert told(known["weight"].kind) == "a number above 0 up to 5"
    assert all(
        parsed(setting.kind, as_text(setting.default)) == setting.default
        for setting in known.values()
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("aple", "there is no fruit 'aple'; try apple"),
        ("app:seeds=1", "there is no fruit 'app'; try apple"),
        ("apple:seed=1", "fruit apple: there is no setting 'seed'; try seeds"),
        ("plum:seeds=1", "there is no setting 'seeds'; it has none"),
        ("apple:weight=0", "weight must be a number above 0 up to 5, not '0'"),
        ("apple:weight=6", "not '6'"),
        ("apple:weight=nan", "not 'nan'"),
        ("apple:price=inf", "price must be a number from 0 or none, not 'inf'"),
        ("apple:seeds=1.5", "seeds must be an integer, not '1.5'"),
        ("apple:seeds=" + "9" * 5000, "seeds must be an integer"),
        ("apple:ripe=maybe", "ripe must be true or false, not 'maybe'"),
        ("apple:colour=blue", "colour must be red or green"),
        ("apple:log=3", "no setting 'log'"),
        ("apple:seeds", "write seeds=VALUE, not 'seeds'"),
        ("apple:seeds=1,seeds=2", "seeds is set twice"),
    ],
)
def test_nonsense_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as told_of:
        made(FRUITS, text)
    assert sentence in str(told_of.value)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("apple", "apple"),
        ("apple:", "apple"),
        ("apple:weight=1.50,seeds=8", "apple"),
        ("apple:seeds=9,weight=2.0", "apple:weight=2,seeds=9"),
        (" apple : ripe = 0", "apple:ripe=false"),
        ("apple:weight=1e-3", "apple:weight=0.001"),
    ],
)
def test_a_label_is_the_same_for_the_same_settings(text: str, short: str) -> None:
    assert label(FRUITS, text) == short
    assert label(FRUITS, short) == short
    assert made(FRUITS, short) == made(FRUITS, text)


def test_near_names() -> None:
    names = ["pid-ecpc", "pid-win-rate", "pacing", "lin"]
    assert near("pid", names) == ["pid-ecpc", "pid-win-rate"]
    assert near("Pacin", names)[0] == "pacing"
    assert near("zzz", names) == near("", names) == []
