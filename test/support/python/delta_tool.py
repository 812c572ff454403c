"""What an independent Delta Lake engine (deltalake, delta-rs) makes of a table.

Its argument is a JSON list of commands, each a list; it prints the JSON list of their results.

describe TABLE [VERSION]   version, rows, distinct episodes, sum of frame_index and of the first observation, days
filter TABLE COLUMN VALUE  rows that match, using the statistics of the log to skip files
history TABLE              operations, newest first
delete TABLE PREDICATE     deletes rows
compact TABLE              rewrites small files into large ones
checkpoint TABLE           writes a checkpoint
select TABLE COLUMN…       the rows of these columns, sorted, days as text
append TABLE               appends a copy of the table's own rows
constrain TABLE            adds a constraint
unconstrain TABLE          drops it again
"""

import json
import os
import sys

import deltalake
import pyarrow.compute as pc


def options():
    names = [name for name in os.environ if name.startswith("AWS_")]
    return {name: os.environ[name] for name in names} or None


def open_table(path, version=None):
    return deltalake.DeltaTable(path, version=version, storage_options=options())


def describe(path, version=None):
    table = open_table(path, version)
    rows = table.to_pyarrow_table()
    first = pc.list_element(rows["observation"], 0) if rows.num_rows else None
    return {
        "version": table.version(),
        "rows": rows.num_rows,
        "episodes": len(pc.unique(rows["episode_id"])),
        "frameIndexSum": pc.sum(rows["frame_index"]).as_py() or 0,
        "observationSum": (pc.sum(first).as_py() or 0) if first is not None else 0,
        "experts": rows.num_rows - rows["expert_action"].null_count,
        "firstTimestampUs": pc.min(pc.cast(rows["timestamp"], "int64")).as_py(),
        "days": sorted(str(day) for day in pc.unique(rows["recorded_on"]).to_pylist()),
    }


def rows_where(path, column, value):
    table = open_table(path)
    rows = table.to_pyarrow_table(filters=[(column, "=", value)])
    return {"rows": rows.num_rows, "files": len(table.file_uris())}


def select(path, *columns):
    rows = open_table(path).to_pyarrow_table(columns=list(columns))
    days = [str(value) if hasattr(value, "isoformat") else value for row in rows.to_pylist() for value in row.values()]
    width = len(columns)
    return sorted(days[at : at + width] for at in range(0, len(days), width))


def append(path):
    table = open_table(path)
    rows = table.to_pyarrow_table()
    deltalake.write_deltalake(table, rows, mode="append", storage_options=options())
    return {"version": open_table(path).version()}


commands = {
    "describe": describe,
    "filter": rows_where,
    "history": lambda path: [entry["operation"] for entry in open_table(path).history()],
    "delete": lambda path, predicate: open_table(path).delete(predicate),
    "compact": lambda path: open_table(path).optimize.compact(),
    "checkpoint": lambda path: open_table(path).create_checkpoint(),
    "append": append,
    "select": select,
    "constrain": lambda path: open_table(path).alter.add_constraint({"indexed": "frame_index >= 0"}),
    "unconstrain": lambda path: open_table(path).alter.drop_constraint("indexed"),
}

def run(text):
    results = [commands[name](*arguments) for name, *arguments in json.loads(text)]
    print(json.dumps(results, default=str), flush=True)


if len(sys.argv) > 1:
    run(sys.argv[1])
else:
    # Importing takes longer than most commands: one process answers line by line until its input ends.
    for line in sys.stdin:
        run(line)
# Threads of pyarrow that are still ending would abort an ordinary exit now and then.
os._exit(0)
