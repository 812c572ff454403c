"""Reads a segment with readers that know nothing of Flywheel; one JSON object, rows by reader."""

import json
import sys

import pandas
import polars
import pyarrow.parquet

path = sys.argv[1]
columns = ["episode_id", "started_at", "frame_index", "policy_version", "observation", "action", "expert_action"]


def plain(value):
    """Lists of whatever kind as lists, what is missing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return value
    return None if value is None or value != value else value


def rows(records):
    return [[plain(record[column]) for column in columns] for record in records]


frame = pandas.read_parquet(path)
print(
    json.dumps(
        {
            "pyarrow": rows(pyarrow.parquet.read_table(path).to_pylist()),
            "pandas": rows(frame.to_dict("records")),
            "polars": rows(polars.read_parquet(path).to_dicts()),
        }
    )
)
