"""Logs of one campaign: click, market price, predicted CTR of each impression, and the like.

Prices are fen per thousand impressions, in iPinYou's way; totals of cost thousandths of a fen.
"""

from pathlib import Path
from typing import Any

import polars as pl

from equibid.files import read_json
from equibid.logs import hourly, rlb
from equibid.logs.campaign import COLUMNS
from equibid.logs.importing.form import FORMS, Form, Totals, number
from equibid.logs.importing.ipinyou_forms import spaced_numbers
from equibid.logs.table import whole

STORES = (pl.UInt8, pl.Int32, pl.Float64)
FIELDS = tuple(map(number, COLUMNS, STORES))
TOTALS = {
    "impressions": pl.len(),
    "clicks": pl.col("click").sum(),
    "cost": pl.col("price").sum(),
}


def info_beside(path: Path) -> dict[str, Any]:
    """RLB's totals of training and test, if they are there.

    Raises:
        InputError: the file is there and cannot be used.
    """
    info = path.with_name(f"{path.name.partition('.')[0]}.info.json")
    if not info.exists():
        return {}
    rlb.read_info(info)
    return {"info": read_json(info)}


def stated_totals(name: str, beside: dict[str, Any]) -> Totals:
    """What RLB's totals say of CAMPAIGN.train.theta.txt and CAMPAIGN.test.theta.txt."""
    part = name.partition(".")[2].partition(".")[0]
    keys = {"impressions": f"imp_{part}", "clicks": f"clk_{part}", "cost": f"cost_{part}"}
    info = beside.get("info", {})
    return {total: info[key] for total, key in keys.items() if key in info}


FORMS.add("rlb", "RLB's CAMPAIGN.*.theta.txt with CAMPAIGN.info.json beside it.")(
    Form(
        name="rlb",
        fields=FIELDS,
        recognises=lambda file, _: rlb.THETA.fullmatch(file) is not None,
        separator=" ",
        spaced=True,
        totals=TOTALS,
        beside=info_beside,
        stated=stated_totals,
    )
)
FORMS.add("hourly", "CAMPAIGN.train.txt and .test.txt: click, price, pctr, hour of each row.")(
    Form(
        name="hourly",
        fields=(*FIELDS, number(whole("hour_index"), pl.Int32)),
        recognises=lambda file, _: hourly.NAME.fullmatch(file) is not None,
        separator=" ",
        spaced=True,
        totals=TOTALS,
    )
)
FORMS.add("yzpc", "*.yzpc.txt: click, price, pctr, adexchange of each row.")(
    Form(
        name="yzpc",
        fields=(*FIELDS, number(whole("adexchange"), pl.Int32)),
        recognises=spaced_numbers(r"yzpc", r"[01] \d+ \S+ \d+"),
        separator=" ",
        spaced=True,
        totals=TOTALS,
    )
)
