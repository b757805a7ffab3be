"""Logs of one campaign: click, market price, predicted CTR of each impression, and the like.

Prices are fen per thousand impressions, in iPinYou's way; totals of cost thousandths of a fen.
"""

import polars as pl

from equibid.logs import hourly, rlb
from equibid.logs.campaign import COLUMNS
from equibid.logs.importing.form import FORMS, Form, number
from equibid.logs.importing.ipinyou_forms import spaced_numbers
from equibid.logs.table import whole

STORES = (pl.UInt8, pl.Int32, pl.Float64)
FIELDS = tuple(map(number, COLUMNS, STORES))
TOTALS = {
    "impressions": pl.len(),
    "clicks": pl.col("click").sum(),
    "cost": pl.col("price").sum(),
}


FORMS.add("rlb", "RLB's CAMPAIGN.*.theta.txt with CAMPAIGN.info.json beside it.")(
    Form(
        name="rlb",
        fields=FIELDS,
        recognises=lambda file, _: rlb.THETA.fullmatch(file) is not None,
        separator=" ",
        spaced=True,
        totals=TOTALS,
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
