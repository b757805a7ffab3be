"""Any text may name an advertiser, and comes back as it was."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equibid.files import write_text
from equibid.logs import read_log
from equibid.logs.importing import import_logs, mapped_form, read_column_map

MAP = """name = "log"
value_unit = "click"
[columns]
advertiser = "who"
value = "v"
price = "p"
click = "c"
"""
# A line end ends a row.
NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    write_text(folder / "map.toml", MAP)
    return folder


def imported(folder: Path, names: list[str]) -> Path:
    """A log with three impressions of each advertiser, imported."""
    out = Path(folder, str(len(list(folder.iterdir()))))
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        rows.writerow(["who", "v", "p", "c"])
        rows.writerows([name, 0.1 * (number + 1), 2, 0] for number, name in enumerate(names * 3))
    import_logs([folder / "log.csv"], out, mapped_form(read_column_map(folder / "map.toml")))
    return out


@given(st.lists(NAME, min_size=2, max_size=4, unique=True))
def test_names_come_back_from_an_import(folder: Path, names: list[str]) -> None:
    datasets = read_log(imported(folder, names))
    assert [dataset.name for dataset in datasets] == [f"log-{name}" for name in names]
    for number, (dataset, name) in enumerate(zip(datasets, names, strict=True)):
        assert dataset.test.labels.advertiser(0) == name
        expected = [0.1 * (number + 1 + len(names) * k) for k in range(3)]
        got = np.concatenate(
            [np.asarray(part.values)[:, 0] for part in (dataset.train, dataset.test) if part]
        )
        assert set(np.round(got, 9)) <= set(np.round(expected, 9))
