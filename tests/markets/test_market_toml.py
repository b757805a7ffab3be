"""Settings survive the way through a file; a bad file is refused by file and field."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.auctions.ranked import Ranked, auctionnet, first_price, gsp, second_price
from equibid.auctions.soft import soft, soft_hard
from equibid.errors import InputError
from equibid.markets import BPG_100, DEMO, NCB_1000, Generator
from equibid.markets.toml import auction_text, market_text, read_market

GOOD = 'name = "m"\nimpressions = 100\nadvertisers = 4\nticks = 5\ncategories = 2\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "market.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("settings", [DEMO, BPG_100, NCB_1000])
def test_presets_come_back(tmp_path: Path, settings: Generator) -> None:
    comments = {"drift": "Of 6 categories. " * 20, "name": 'Quotes " and \\ stay.'}
    text = market_text(settings, comments, "About it.")
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("# About it.\n")
    assert read_market(written(tmp_path, text)) == settings


finite = st.floats(1e-6, 1e9)
share = st.floats(0, 1)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.tuples(st.floats(1e-9, 1), st.floats(1e-9, 1)),
    st.lists(finite, min_size=7, max_size=7),
    share,
    st.sampled_from([gsp(), gsp(0.3), second_price(), first_price(0.01), auctionnet(), soft(0.2)]),
)
def test_any_settings_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    reach: tuple[float, float],
    numbers: list[float],
    rho: float,
    auction: Ranked,
) -> None:
    settings = Generator(
        name,
        impressions=200,
        advertisers=7,
        ticks=6,
        categories=3,
        reach=(min(reach), max(reach)),
        mean_value=numbers[0],
        level_spread=numbers[1],
        value_spread=numbers[2],
        drift=numbers[3],
        target_cpa=numbers[4],
        competition=numbers[5],
        outside_price=numbers[6],
        correlation=rho,
        auction=auction,
    )
    path = written(tmp_path_factory.mktemp("any"), market_text(settings))
    assert read_market(path) == settings


@pytest.mark.parametrize("name", ['"', "\\", "\x00\x1f\x7f\x85", "a\nb", "λ 😀"])
def test_odd_names_come_back(tmp_path: Path, name: str) -> None:
    settings = Generator(name, 100, 4, 5, 2)
    assert read_market(written(tmp_path, market_text(settings))) == settings


def test_what_is_left_out_is_the_default(tmp_path: Path) -> None:
    assert read_market(written(tmp_path, GOOD)) == Generator("m", 100, 4, 5, 2)
    whole = read_market(written(tmp_path, GOOD + "drift = 1\nreach = [1, 1]\n"))
    assert whole == Generator("m", 100, 4, 5, 2, drift=1, reach=(1, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drift = ", "it is not TOML"),
        ("[table]\n", "there is no setting 'table'"),
        (GOOD + "driftt = 0.1\n", "there is no setting 'driftt'; try drift"),
        (GOOD.replace("ticks = 5\n", ""), "ticks must be there"),
        ('name = "m"\n', "impressions, advertisers, ticks, categories must be there"),
        (GOOD + "drift = -1\n", "drift must be a number from 0, not -1"),
        (GOOD + "drift = nan\n", "drift must be a number from 0, not nan"),
        (GOOD + "drift = true\n", "drift must be a number, not True"),
        (GOOD + 'drift = "much"\n', "drift must be a number, not 'much'"),
        (GOOD + "correlation = 1.5\n", "correlation must be a number in 0 … 1"),
        (GOOD + "reach = 0.5\n", "reach must be two numbers, as in [0.1, 0.9], not 0.5"),
        (GOOD + "reach = [0.5, 0.2]\n", "reach must be a number in 0.5 … 1, not 0.2"),
        (GOOD + "reach = [0.1, true]\n", "reach must be two numbers"),
        (GOOD + 'auction = "vickrey"\n', "there is no auction 'vickrey'"),
        (GOOD + "auction = 2\n", "auction must be a text in quotes"),
        (GOOD.replace('"m"', '""'), "name must be a text in quotes"),
        (GOOD.replace("100", "100.0"), "impressions must be a whole number from 1, not 100.0"),
        (GOOD.replace("100", "3"), "5 ticks are more than its 3 impressions"),
    ],
)
def test_a_bad_file_is_named_with_its_field(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_market(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "market.toml"
    with pytest.raises(InputError, match="there is no such file"):
        read_market(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_market(path)


def test_rules_have_words() -> None:
    assert [auction_text(rule) for rule in (gsp(), second_price(0.5), soft(), soft_hard(1.0))] == [
        "gsp",
        "second-price:reserve=0.5",
        "soft",
        "soft-hard:temperature=1.0",
    ]
    with pytest.raises(InputError, match="has no name"):
        auction_text(replace(gsp(), ties="split"))
