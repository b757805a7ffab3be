"""Any ad log in, clean Parquet out: every row is kept, or named in a quarantine file."""

from equibid.logs.importing import (  # each declares its forms
    auctionnet_forms,
    campaign_forms,
    ipinyou_forms,
)
from equibid.logs.importing.column_map import read_column_map
from equibid.logs.importing.importing import import_logs
from equibid.logs.importing.mapped import mapped_form
from equibid.logs.importing.schema import SCHEMAS, LogSchema
from equibid.logs.importing.summary import Summary

__all__ = [
    "SCHEMAS",
    "LogSchema",
    "Summary",
    "auctionnet_forms",
    "campaign_forms",
    "import_logs",
    "ipinyou_forms",
    "mapped_form",
    "read_column_map",
]
