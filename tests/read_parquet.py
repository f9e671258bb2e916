#!/usr/bin/env python3
"""Reads a folder of Parquet files as its users do, by a plain glob, with DuckDB and with pyarrow.

    pip install duckdb pyarrow
    python3 tests/read_parquet.py DIR [--key url,country] [--rows 20]

Prints the first rows, then checks that

* both readers find the same number of rows, with and without the keys of the Hive-style partitions,
* `window_start` and `window_end` are timestamps in microseconds, UTC, and every other column has a known type,
* no (window_start, key) is there twice, the key being the text columns unless `--key` names others,
* within a file rows are sorted by window and key,
* each `_manifest.json` lists the files beside it with the rows they have, and nothing unpublished is left.

Exits with 1 and a sentence when something is off, with 2 when it was called wrongly.
"""

import argparse
import glob
import json
import os
import sys

WINDOW = ("window_start", "window_end")
DUCKDB_TYPES = {"BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "DECIMAL(38,18)", "TIMESTAMP WITH TIME ZONE"}
ARROW_TYPES = {"int64", "double", "string", "bool", "decimal128(38, 18)", "timestamp[us, tz=UTC]"}


class Off(Exception):
    """Something is not as it should be; the text is the sentence to print."""


def check(holds, sentence):
    if not holds:
        raise Off(sentence)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def check_types(reader, types, known, timestamp):
    for name, kind in types.items():
        if name in WINDOW:
            check(kind == timestamp, f"{reader} reads column {name} as {kind}, not as {timestamp}.")
        else:
            check(kind in known, f"{reader} reads column {name} as {kind}, which no column is written as.")


def read_with_duckdb(pattern, key, n_rows):
    """Prints rows; gives how many there are, and the key's columns."""
    import duckdb

    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")

    def source(hive):
        path = pattern.replace("'", "''")
        return f"read_parquet('{path}', hive_partitioning = {str(hive).lower()})"

    described = db.execute(f"DESCRIBE SELECT * FROM {source(False)}").fetchall()
    types = {row[0]: row[1] for row in described}
    check_types("DuckDB", types, DUCKDB_TYPES, "TIMESTAMP WITH TIME ZONE")
    if key is None:
        key = [name for name, kind in types.items() if kind == "VARCHAR"]
    for name in key:
        check(name in types, f"There is no key column {name}; the columns are {', '.join(types)}.")
    unique = [name for name in WINDOW if name in types] + key
    order = ", ".join(map(quoted, unique)) or "1"

    print("\t".join(types))
    texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in types)
    for row in db.execute(f"SELECT {texts} FROM {source(False)} ORDER BY {order} LIMIT {n_rows}").fetchall():
        print("\t".join("" if value is None else value for value in row))

    count = db.execute(f"SELECT count(*) FROM {source(False)}").fetchone()[0]
    by_hive = db.execute(f"SELECT count(*) FROM {source(True)}").fetchone()[0]
    check(count == by_hive, f"DuckDB finds {count} rows without and {by_hive} with partitions.")
    if "window_start" in types:
        twice = db.execute(
            f"SELECT {', '.join(f'CAST({quoted(name)} AS VARCHAR)' for name in unique)}, count(*) "
            f"FROM {source(False)} GROUP BY {order} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        check(twice is None, f"The row of ({', '.join(unique)}) = {twice} is there more than once.")
    return count, unique


def check_sorted(path, table, unique):
    columns = [table.column(name).to_pylist() for name in unique]
    # Null sorts first, as the sink sorts it; texts sort by their bytes.
    def place(value):
        return (value is not None, value.encode() if isinstance(value, str) else value)

    places = [tuple(map(place, values)) for values in zip(*columns)]
    check(places == sorted(places), f"The rows of {path} are not sorted by {', '.join(unique)}.")


def read_with_pyarrow(root, files, unique):
    """Gives how many rows there are in each file."""
    import pyarrow.dataset as dataset
    import pyarrow.parquet as parquet

    rows = {}
    for path in files:
        # Opened as a file of its own, so that no partition of its path becomes a column.
        with parquet.ParquetFile(path) as file:
            check_types("pyarrow", {field.name: str(field.type) for field in file.schema_arrow}, ARROW_TYPES,
                        "timestamp[us, tz=UTC]")
            created_by = file.metadata.created_by
            check(created_by.startswith("millstream version "), f"{path} was created by {created_by}.")
            check_sorted(path, file.read(), unique)
            rows[path] = file.metadata.num_rows
    for what, there in (
        ("by its files", dataset.dataset(files)),
        ("as a folder", dataset.dataset(root, format="parquet", partitioning="hive")),
    ):
        count = there.count_rows()
        check(count == sum(rows.values()), f"pyarrow finds {count} rows {what} and {sum(rows.values())} by footers.")
    return rows


def check_manifests(root, rows):
    found = sorted(glob.glob(os.path.join(root, "**", "_manifest.json"), recursive=True))
    for path in found:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        folder = os.path.dirname(path)
        beside = {os.path.basename(file): n for file, n in rows.items() if os.path.dirname(file) == folder}
        listed = {file["name"]: file["rows"] for file in manifest["files"]}
        check(manifest["final"] is True, f"{path} does not say that its partition is final.")
        check(listed == beside, f"{path} lists {listed}, and beside it are {beside}.")
        check(manifest["rows"] == sum(beside.values()), f"{path} counts {manifest['rows']} rows.")
    staging = os.path.join(root, ".staging")
    left = os.listdir(staging) if os.path.isdir(staging) else []
    check(not left, f"{staging} has files that were never published: {', '.join(left)}.")
    return len(found)


def main():
    arguments = argparse.ArgumentParser(description="Reads a folder of Parquet files by a plain glob and checks it.")
    arguments.add_argument("dir")
    arguments.add_argument("--key", help="key columns, with commas; the text columns if not given")
    arguments.add_argument("--rows", type=int, default=20, help="how many rows to print")
    given = arguments.parse_args()
    key = None if given.key is None else [name for name in given.key.split(",") if name]

    pattern = os.path.join(given.dir, "**", "*.parquet")
    files = sorted(glob.glob(pattern, recursive=True))
    check(files, f"No file matches {pattern}.")
    count, unique = read_with_duckdb(pattern, key, given.rows)
    rows = read_with_pyarrow(given.dir, files, unique)
    check(count == sum(rows.values()), f"DuckDB finds {count} rows and pyarrow {sum(rows.values())}.")
    final = check_manifests(given.dir, rows)
    print(f"{count} rows in {len(files)} files, {final} partitions final; DuckDB and pyarrow agree")


if __name__ == "__main__":
    try:
        main()
    except Off as off:
        print(off, file=sys.stderr)
        sys.exit(1)
