"""Two shards of a sweep as Parquet hold the rows of its CSV. Usage: read.py PROGRAM"""

import csv
import datetime
import decimal
import io
import pathlib
import subprocess
import sys
import tempfile

import pyarrow
import pyarrow.parquet


def made(folder: pathlib.Path) -> None:
    """Settlements of one perpetual on two venues, from the autumn of 2024 into 2025."""
    start = datetime.datetime(2024, 9, 1, tzinfo=datetime.timezone.utc)
    for venue, rate in (("binance", "0.0001"), ("bybit", "0.0009")):
        path = folder / "funding" / venue / "AAAUSDT.csv"
        path.parent.mkdir(parents=True)
        with path.open("w") as out:
            out.write("settled_at,funding_rate,interval_hours,mark_price,source\n")
            for hours in range(0, 24 * 160, 8):
                at = (start + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                out.write(f"{at},{rate},8,100,made\n")


def main(program: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made(folder)
        base = [program, "backtest", "--data", name, "--sweep"]
        whole = subprocess.run(base, check=True, capture_output=True, text=True).stdout
        rows = list(csv.DictReader(io.StringIO(whole)))
        assert len(rows) > 10 and any(row["trades"] != "0" for row in rows), rows
        shards = []
        for shard in ("1/2", "2/2"):
            path = folder / f"shard-{shard[0]}.parquet"
            written = subprocess.run(
                [*base, "--shard", shard, "--parquet", str(path)], check=True, capture_output=True, text=True
            )
            assert "quick_hours" not in written.stdout, "the table is in the file"
            shards.append(pyarrow.parquet.read_table(path))
        table = pyarrow.concat_tables(shards)
        assert table.column_names == list(rows[0]), table.column_names
        assert table.schema.field("net").type == pyarrow.decimal128(18, 8), table.schema
        assert table.num_rows == len(rows)
        cent = decimal.Decimal("0.01")
        settings = table.column_names[:5]
        by_setting = {tuple(str(row[key]) for key in settings): row for row in table.to_pylist()}
        for row in rows:
            found = by_setting[tuple(row[key] for key in settings)]
            for key, text in row.items():
                value = found[key]
                if isinstance(value, decimal.Decimal):
                    value = value.quantize(cent)
                    assert abs(value - decimal.Decimal(text)) < cent, (key, value, text)
                else:
                    assert str(value) == text, (key, value, text)
        print(f"{len(rows)} rows of {len(rows[0])} columns agree")


main(sys.argv[1])
