import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from equibid.bidders.value_table import value_table


def literal(pmf, mean_value, auctions, budget):
    """The program as the paper writes it, one addition after the other."""
    table = np.zeros((auctions + 1, budget + 1))
    for n in range(1, auctions + 1):
        before = table[n - 1]
        for b in range(1, budget + 1):
            a = min(b, len(pmf) - 1)
            while mean_value + (before[b - a] - before[b]) < 0:
                a -= 1
            total = before[b]
            for d in range(a + 1):
                total += pmf[d] * (mean_value + (before[b - d] - before[b]))
            table[n, b] = total
    return table


@st.composite
def scenarios(draw):
    weight = draw(st.lists(st.integers(0, 20), min_size=1, max_size=30).filter(any))
    pmf = np.array(weight) / (sum(weight) + draw(st.integers(0, 5)))
    mean_value = draw(st.floats(1e-4, 10))
    return pmf, mean_value, draw(st.integers(0, 8)), draw(st.integers(0, 90))


@given(scenarios())
def test_both_forms_equal_the_literal_program(scenario):
    _, mean_value, auctions, _ = scenario
    expected = literal(*scenario)
    scale = mean_value * max(auctions, 1)
    fused = value_table(*scenario, precision=0.0, backend="fused")
    np.testing.assert_allclose(fused, expected, rtol=0, atol=1e-14 * scale)
    xla = value_table(*scenario, precision=0.0, backend="xla")
    np.testing.assert_allclose(xla, fused, rtol=1e-9, atol=0)


def test_fused_sums_have_the_bits_of_the_literal_program():
    pmf = np.random.default_rng(1).dirichlet(np.ones(301))
    fused = value_table(pmf, 7e-4, 12, 1500, precision=0.0, backend="fused")
    assert np.array_equal(fused, literal(pmf, 7e-4, 12, 1500))


@pytest.mark.parametrize("backend", ["fused", "xla"])
@pytest.mark.parametrize("price", [0, 1, 7])
def test_one_price_buys_as_many_as_it_divides(backend, price):
    pmf = np.eye(10)[price]
    table = value_table(pmf, 0.5, 6, 40, backend=backend)
    n, b = np.arange(7)[:, None], np.arange(41)[None]
    affordable = np.minimum(n, b // price if price else n * (b > 0))
    np.testing.assert_allclose(table, 0.5 * affordable, rtol=1e-12)


@pytest.mark.parametrize("backend", ["fused", "xla"])
def test_row_is_flat_from_where_it_is_close_to_winning_everything(backend):
    pmf = np.array([0.5, 0.3, 0.1])  # a tenth of the impressions is never won
    table = np.asarray(value_table(pmf, 2.0, 30, 200, precision=1e-3, backend=backend))
    exact = np.asarray(value_table(pmf, 2.0, 30, 200, precision=0.0, backend=backend))
    for n in range(1, 31):
        close = np.abs(table[n] - n * 2.0 * 0.9) < 1e-3
        first = close.argmax()
        assert close[-1]
        assert (table[n, first:] == table[n, first]).all()
    assert 0 < np.abs(table - exact).max() < 30 * 1e-3


@given(scenarios())
def test_table_is_linear_in_the_mean_value_and_ascends(scenario):
    pmf, mean_value, auctions, budget = scenario
    one = np.asarray(value_table(pmf, 1.0, auctions, budget, precision=0.0))
    many = np.asarray(value_table(pmf, mean_value, auctions, budget, precision=0.0))
    np.testing.assert_allclose(many, mean_value * one, rtol=1e-12)
    assert (np.diff(one, axis=1) > -1e-12).all()
    assert (np.diff(one, axis=0) > -1e-12).all()
