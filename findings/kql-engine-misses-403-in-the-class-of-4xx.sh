#!/usr/bin/env bash
# Tools: streaming-kql 0.0.2, duckdb-kql 1.1.2 with duckdb 2.0.1 (all PyPI), for alerts on a vault's audit log.
#
# One would guess: `HttpStatusCode / 100 == 4` picks the refused calls. Kusto divides whole numbers to whole numbers, by
# its reference too, so this is how classes of status codes are made in it.
#
# What happens: streaming-kql divides to a real number. 403 / 100 is 4.03 and not 4, so the alert on refused uses of a
# key fires for 400 alone and misses 401, 403 and 429; and counting by class gives each status a class of its own. No
# error in either case. duckdb-kql divides as the reference says. What both read alike: `bin(HttpStatusCode, 100) == 400`.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install -q --disable-pip-version-check streaming-kql==0.0.2 duckdb-kql==1.1.2 duckdb==2.0.1 pytz >&2

cat > ask.py <<'PY'
import duckdb_kql, streaming_kql

CALLS = [("KeyUnwrap", 200), ("KeyUnwrap", 400), ("KeyUnwrap", 401), ("KeyUnwrap", 403), ("KeyWrap", 403), ("KeyGet", 429)]
connection = duckdb_kql.connect()
connection.sql("CREATE TABLE Audit(OperationName VARCHAR, HttpStatusCode INTEGER)")
connection.executemany("INSERT INTO Audit VALUES (?, ?)", CALLS)
events = [{"OperationName": name, "HttpStatusCode": status} for name, status in CALLS]


def both(query, column):
    streamed = [event[column] for event in streaming_kql.compile(f"source | {query}").stream(events)]
    answer = duckdb_kql.query(connection, f"Audit | {query}")
    at = [c[0] if isinstance(c, tuple) else c for c in (getattr(answer, "columns", None) or answer.description)].index(column)
    return streamed, [row[at] for row in answer.fetchall()]


for query, column in (
    ("where HttpStatusCode / 100 == 4", "HttpStatusCode"),
    ("where bin(HttpStatusCode, 100) == 400", "HttpStatusCode"),
    ("extend Class = HttpStatusCode / 100", "Class"),
):
    streamed, stored = both(query, column)
    print(f"{query}\n  streaming-kql {streamed}\n  duckdb-kql    {stored}")
PY
env/bin/python ask.py > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
where HttpStatusCode / 100 == 4
  streaming-kql [400]
  duckdb-kql    [400, 401, 403, 403, 429]
where bin(HttpStatusCode, 100) == 400
  streaming-kql [400, 401, 403, 403, 429]
  duckdb-kql    [400, 401, 403, 403, 429]
extend Class = HttpStatusCode / 100
  streaming-kql [2.0, 4.0, 4.01, 4.03, 4.03, 4.29]
  duckdb-kql    [2, 4, 4, 4, 4, 4]
OUT
