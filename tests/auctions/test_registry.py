"""Rules by name, with settings."""

import pytest

from equibid.auctions import AUCTIONS, Ranked, Soft
from equibid.auctions.registry import auction_named
from equibid.errors import InputError


def test_every_rule_has_a_name_and_defaults() -> None:
    assert {name: type(auction_named(name)) for name in AUCTIONS} == {
        "first-price": Ranked,
        "second-price": Ranked,
        "gsp": Ranked,
        "auctionnet": Ranked,
        "soft": Soft,
        "soft-hard": Soft,
    }


def test_settings_are_read() -> None:
    assert auction_named("gsp:reserve=0.25") == AUCTIONS["gsp"](reserve=0.25)
    assert auction_named("soft:temperature=0.5") == Soft(0.5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gps", "try gsp"),
        ("gsp:reserve=high", "reserve must be a number, not 'high'"),
        ("gsp:temperature=1", "no setting 'temperature'; try reserve"),
        ("soft:temperature=0", "above 0"),
        ("gsp:reserve=nan", "must be a number"),
        ("gsp:reserve=inf", "must be a number"),
        ("gsp:reserve=1,reserve=2", "set twice"),
        ("gsp:reserve", "write reserve=VALUE"),
    ],
)
def test_nonsense_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        auction_named(text)
