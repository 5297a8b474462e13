"""Writes the *.jsonl files beside it: calls of plain SQL functions with DuckDB's answers.

usage: make_vectors.py        (needs the duckdb package, 2.0.0)

A line is {"call": [function, argument, ...], "value": text or null} or {"call": [...], "error": class}.
All arguments are text. The seed is fixed, so the files change only with this script or the engine.
"""

from __future__ import annotations

import itertools
import json
import pathlib
import random
from collections.abc import Iterable

import duckdb

HERE = pathlib.Path(__file__).parent
R = random.Random(20260301)
Case = tuple[str, str, Iterable[tuple]]

PART_FUNCTIONS = ("date_part(", "date_trunc(", "date_diff(", "date_sub(")
# the numbers of a text as rows of a column x
VALUES = "(SELECT unnest(list_filter(string_split(?, ' '), lambda s: s <> '')::DOUBLE[]) x)"

INTS = {"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
        "int128": "HUGEINT", "uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER",
        "uint64": "UBIGINT"}
NUMBER_TEXTS = ["12", " 12 ", "12a", "", "1e3", "0x1F", "0X1f", "-0x1F", "0b101", "0o17", "1_000",
                "1__0", "_1", "1_", "+5", "+ 5", "--5", "2.5", "-2.5", "2.49999", "1.5e1", "1.55e1",
                "15e-1", "25e-1", "1e-5", "9.9e0", "1e10", "1e", "e1", ".5", "5.", ".", "-", "-.5",
                "127.5", "127.4", "-128.5", "-128.4", "-0", "-1", "255.5", "256", "300", "-129",
                "1.2.3", "1 2", "\t12\n", "0012", "32767", "32768", "2147483647", "2147483648",
                "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
                "18446744073709551615", "18446744073709551616",
                "170141183460469231731687303715884105727",
                "170141183460469231731687303715884105728",
                "-170141183460469231731687303715884105728", "1e38", "1e39", "1e400", "99999999999",
                "abc", "1.9999", "0", "00", "1e+2", "1E2", "1e2.5", "\u00a012", "inf", "nan", "0.5",
                "0.49", "-0.5", "1_0.5", "0x1_F", "0x", "0xG", "12345678901234567890.5", "1e0",
                "5e-1", "4.9e-1", "1.5e-400"]
DOUBLES = ["0", "-0.0", "1", "-1", "0.5", "-0.5", "1.5", "2.5", "-2.5", "3.5", "2.675", "1.005",
        "0.285",
           "1234.5678", "0.1", "1e15", "1e16", "1e17", "123456789.123", "1e-4", "1e-5", "1e-7",
                   "1.5e300",
           "1e308", "5e-324", "inf", "-inf", "nan", "127.4", "127.5", "-128.5", "-128.6", "255.4",
                   "255.5",
           "2147483647.4", "2147483647.5", "-2147483648.5", "9223372036854775807", "1e38", "1e39",
           "16777217", "123456789012345678", "0.3", "1e20", "99.995", "0.0001234", "1e100"]


def uniform(count: int, low: float, high: float) -> list[str]:
    return [repr(round(R.uniform(low, high), R.randrange(0, 7))) for _ in range(count)]


def product(*lists: Iterable) -> list[tuple]:
    return list(itertools.product(*lists))


def sample(rows: list[tuple], count: int) -> list[tuple]:
    return rows if len(rows) <= count else R.sample(rows, count)


def numbers() -> Iterable[Case]:
    for name, sql in INTS.items():
        yield f"parse_{name}", f"CAST(? AS {sql})", [(t,) for t in NUMBER_TEXTS]
        yield f"{name}_of_double", f"CAST(CAST(? AS DOUBLE) AS {sql})", [(d,) for d in DOUBLES]
        yield f"{name}_of_float", f"CAST(CAST(? AS FLOAT) AS {sql})", [(d,) for d in DOUBLES[:40]]
        ints = ["0", "1", "127", "128", "255", "-1", "-128", "-129", "40000", "3000000000",
                "9223372036854775807", "-9223372036854775808",
                        "170141183460469231731687303715884105727"]
        yield f"{name}_of_int128", f"CAST(CAST(? AS HUGEINT) AS {sql})", [(i,) for i in ints]
    texts = NUMBER_TEXTS + ["Infinity", "-inf", "+inf", "infin", "NaN", "-nan", "1e-400", "-1e400",
            "1d",
                            "1f", "0x1p3", "+-1", "1e5.5", "1,5", "1.5x", "1e3_0", "1_0.5_5",
                                    "1_.5", "1._5"]
    yield "parse_double", "CAST(? AS DOUBLE)", [(t,) for t in texts]
    yield "parse_float", "CAST(? AS FLOAT)", [(t,) for t in texts]
    more = uniform(60, -1e6, 1e6) + [repr(R.uniform(-1, 1) * 10 ** R.randrange(-30,
            30)) for _ in range(120)]
    yield "parse_double", "CAST(? AS DOUBLE)", [(t,) for t in more]
    yield "parse_float", "CAST(? AS FLOAT)", [(t,) for t in more]
    halves = [repr(R.randrange(10**5, 10**6) + R.choice([0.125, 0.375, 0.5, 0.625, 0.03125,
            0.0625])) for _ in range(150)]
    yield "parse_float", "CAST(? AS FLOAT)", [(t,
            ) for t in halves + [repr(R.random()) for _ in range(100)]]
    yield "float_of_double", "CAST(CAST(? AS DOUBLE) AS FLOAT)", [(d,) for d in DOUBLES]
    words = ["true", "TRUE", "t", "yes", "y", "1", "false", "f", "no", "n", "0", "on", "off", "00",
            "1.0",
             "2", "", "  true", "tRuE ", "tr", "x"]
    yield "parse_bool", "CAST(? AS BOOLEAN)", [(w,) for w in words]


def decimals() -> Iterable[Case]:
    types = [(4, 1), (5, 2), (9, 3), (18, 6), (38, 10), (38, 0), (2, 2), (3, 0), (19, 4)]
    texts = [t for t in NUMBER_TEXTS if t not in ("1.5e-400",)] + [
        "999.95", "999.94", "12.35", "-12.35", "1.25e-1", "125e-2", "0.995", "0.994", "99.995",
                "-0.05"]
    texts += uniform(20, -2000, 2000)
    for w, s in types:
        t = f"DECIMAL({w},{s})"
        yield "parse_decimal", f"CAST(? AS {t})", [(x, str(w), str(s)) for x in texts]
        ds = [d for d in DOUBLES if d not in ("5e-324", "1e308", "1.5e300")] + uniform(25, -1500,
                1500)
        yield "decimal_of_double", f"CAST(CAST(? AS DOUBLE) AS {t})", [(d, str(w),
                str(s)) for d in ds]
        ints = ["0", "5", "-5", "999", "1000", "12345", "-99999", "1000000000000"]
        yield "decimal_of_int", f"CAST(CAST(? AS BIGINT) AS {t})", [(i, str(w),
                str(s)) for i in ints]
        good = [x for x in uniform(12, -99, 99)]
        for w2, s2 in types:
            yield "rescale", f"CAST(CAST(? AS {t}) AS DECIMAL({w2},{s2}))", [
                (x, str(w), str(s), str(w2), str(s2)) for x in sample([(g,) for g in good], 3)
                for x in x]
        for name in ("int8", "int32", "uint8"):
            yield f"{name}_of_decimal", f"CAST(CAST(? AS {t}) AS {INTS[name]})", [
                (x, str(w), str(s)) for x in ["0.5", "-0.5", "2.5", "127.5", "-128.4", "0.49",
                        "99.99"]]
        yield "double_of_decimal", f"CAST(CAST(? AS {t}) AS DOUBLE)", [(x, str(w),
                str(s)) for x in good]
        for fn in ("round", "trunc", "round_even"):
            yield f"decimal_{fn}", f"{fn}(CAST(? AS {t}), CAST(? AS INTEGER))", None or [
                (x, str(w), str(s), d) for x in good[:6] for d in ("-3", "-1", "0", "1", "2", "7")]
        for fn in ("floor", "ceil"):
            yield f"decimal_{fn}", f"{fn}(CAST(? AS {t}))", [(x, str(w), str(s)) for x in good]
    for (w, s), (w2, s2) in product(types, types):
        for fn, op in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("modulo", "%")):
            rows = [(x, str(w), str(s), y, str(w2), str(s2))
                    for x, y in [("0.5", "0.3"), ("-0.9", "0.7"), (R.choice(["3", "-7", "99"]),
                            "2")]]
            yield f"decimal_{fn}", f"CAST(? AS DECIMAL({w},{s})) {op} CAST(? AS DECIMAL({w2},{s2}))", rows


DATES = ["2024-01-05", "2024-1-5", "2024/01/05", "2024 01 05", "2024\\01\\05", "2024-01/05",
        "2024-01",
         "24-01-05", "-24-01-05", "44-03-15 (BC)", "44-03-15 BC", "12024-01-05", "2024-001-05",
                 "2024-13-05",
         "2024-00-05", "2024-01-00", "2024-01-32", "", "x", "epoch", "EPOCH", "Infinity", "inf",
                 "-infinity",
         "5881580-07-10", "5881580-07-11", "5877642-06-25 (BC)", "5877642-06-24 (BC)", "20240105",
         "2024-02-30", "2023-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "05-01-2024",
                 "2024-01-05 ",
         " 2024-01-05", "2024-01-05x", "2024-01-05 10:00", "2024-01-05T10:00:00",
                 "2024-01-05 25:00:00",
         "2024-01-05 abc", "2024-12-31 24:00:00", "0000-01-01", "2024-1-5 1:2:3"]
STAMPS = ["2024-12-31 24:00:00", "2024-12-31 24:00:01", "2024-12-31 23:59:60",
        "2024-12-31 23:60:00",
          "2024-12-31 10", "2024-12-31 10:5", "2024-12-31 1:05", "2024-12-31 10:05:1",
                  "2024-12-31 10:05:01.5",
          "2024-12-31 10:05:01.123456789", "2024-12-31 10:05:01,5", "2024-12-31 10:05:01.",
          "2024-12-31  10:05:01", "2024-12-31T10:05:01Z", "2024-12-31T10:05:01z",
                  "2024-12-31 10:05:01 Z",
          "2024-12-31 10:05:01+02", "2024-12-31 10:05:01+02:30", "2024-12-31 10:05:01-0530",
          "2024-12-31 10:05:01 +02", "2024-12-31 10:05:01+2", "2024-12-31 10:05:01 UTC",
                  "2024-12-31 10:05+02",
          "2024-12-31Z", "2024-12-31 ", " 2024-12-31 10:05:01 ", "2024-12-31 10:05:01x",
                  "2024-12-31t10:05:01",
          "2024/12/31 10:05:01", "2024-02-30 10:00:00", "05-01-2024 10:00", "x", "", "infinity",
                  "-infinity",
          "epoch", "294247-01-10 04:00:54.775806", "294247-01-10 04:00:54.775807",
                  "294248-01-10 04:00:54",
          "290309-12-22 (BC) 00:00:00", "0044-03-15 (BC) 10:00:00", "2024-12-31",
                  "2024-12-31 10:05:01.100",
          "2024-12-31 00:00:00+00", "1969-12-31 23:59:59.999999"]
TIMES = ["10:05", "10:05:01.5", "24:00:00", "24:00:01", "25:00", "1:05", "10", "", "x",
        " 10:05:01 ",
         "10:05:01+02", "2024-01-01 10:05:01", "10:05:01.123456789", "10:05 PM", "00:00:00",
                 "23:59:59.999999"]
PARTS = ["year", "month", "day", "decade", "century", "millennium", "microseconds", "milliseconds",
        "second",
         "minute", "hour", "dow", "isodow", "week", "isoyear", "quarter", "doy", "yearweek", "era"]


def random_stamps(count: int) -> list[str]:
    out = []
    for _ in range(count):
        year = R.choice([R.randrange(1, 9999), R.randrange(1900, 2100), R.randrange(1960, 1980)])
        month, day = R.randrange(1, 13), R.choice([1, 28, R.randrange(1, 29)])
        if R.random() < 0.3:
            month, day = R.choice([(1, 31), (3, 31), (4, 30), (12, 31), (2, 28), (12, 30), (1, 1)])
        clock = R.choice(["00:00:00",
                f"{R.randrange(24):02}:{R.randrange(60):02}:{R.randrange(60):02}",
                          f"{R.randrange(24):02}:{R.randrange(60):02}:{R.randrange(60):02}.{R.randrange(10**6):06}"])
        out.append(f"{year:04}-{month:02}-{day:02} {clock}")
    return out


def dates() -> Iterable[Case]:
    yield "parse_date", "CAST(? AS DATE)", [(d,) for d in DATES]
    yield "parse_timestamp", "CAST(? AS TIMESTAMP)", [(s,) for s in STAMPS + random_stamps(20)]
    yield "parse_timestamptz", "CAST(? AS TIMESTAMPTZ)", [(s,) for s in STAMPS]
    yield "parse_time", "CAST(? AS TIME)", [(t,) for t in TIMES]
    yield "date_of", "CAST(CAST(? AS TIMESTAMP) AS DATE)", [(s,) for s in random_stamps(15)]
    yield "time_of", "CAST(CAST(? AS TIMESTAMP) AS TIME)", [(s,) for s in random_stamps(15)]
    stamps = random_stamps(24) + ["0044-12-30 (BC) 10:00:00", "infinity", "2000-12-31 23:59:59"]
    for part in PARTS:
        yield "extract", f"date_part('{part}', CAST(? AS TIMESTAMP))", [(part,
                s) for s in sample([(x,) for x in stamps], 12) for s in s]
        if part != "era":
            yield "date_trunc", f"date_trunc('{part}', CAST(? AS TIMESTAMP))", [(part,
                    s) for s in stamps]
            pairs = sample(product(stamps, stamps), 25)
            yield "date_diff", f"date_diff('{part}', CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", [(part,
                    *p) for p in pairs]
            yield "date_sub", f"date_sub('{part}', CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", [(part,
                    *p) for p in pairs]
    for part in ("epoch", "julian"):
        yield "extract_double", f"date_part('{part}', CAST(? AS TIMESTAMP))", [(part,
                s) for s in stamps]
    ends = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-03-30", "2023-02-28", "2023-01-29",
            "2024-12-31", "2020-02-29", "2023-03-01"]
    pairs = product([e + " 10:00:00" for e in ends] + [e + " 00:00:00" for e in ends[:4]],
            [e + " 09:00:00" for e in ends])
    for part in ("month", "quarter", "year"):
        yield "date_sub", f"date_sub('{part}', CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", [(part,
                *p) for p in pairs]
    yield "age", "age(CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", pairs + sample(product(stamps,
            stamps), 60)
    yield "difference", "CAST(? AS TIMESTAMP) - CAST(? AS TIMESTAMP)", sample(product(stamps,
            stamps), 30)
    spans = ["1 month", "-1 month", "13 months 3 days 04:05:06", "1 year", "-5 days", "36 hours",
            "00:00:00.000001", "1 month -1 day", "1000000 years", "-25 months"]
    yield "add_interval", "CAST(? AS TIMESTAMP) + CAST(? AS INTERVAL)", sample(product(stamps + [e + " 10:00:00" for e in ends],
            spans), 150)
    yield "subtract_interval", "CAST(? AS TIMESTAMP) - CAST(? AS INTERVAL)", sample(product(stamps + [e + " 10:00:00" for e in ends],
            spans), 100)
    yield "add_days", "CAST(? AS DATE) + CAST(? AS INTEGER)", product(["2024-01-31", "0001-01-01",
            "5881580-07-10", "infinity"], ["1", "-1", "-60", "365", "2147483647"])
    yield "time_add", "CAST(? AS TIME) + CAST(? AS INTERVAL)", product(["10:00", "23:59:59.5"],
            ["15 hours", "-11 hours", "1 day", "00:00:01"])
    widths = ["7 days", "1 month", "5 months", "15 minutes", "1 year", "0 days", "-1 days",
            "1 month 1 day", "36 hours", "250 ms"]
    yield "time_bucket", "time_bucket(CAST(? AS INTERVAL), CAST(? AS TIMESTAMP))", sample(product(widths,
            stamps), 90)
    yield "time_bucket_offset", "time_bucket(CAST(? AS INTERVAL), CAST(? AS TIMESTAMP), CAST(? AS INTERVAL))", sample(product(widths[:5],
            stamps, ["5 minutes", "10 days"]), 30)
    yield "time_bucket_origin", "time_bucket(CAST(? AS INTERVAL), CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP))", sample(product(widths[:5],
            stamps, ["2024-01-15 00:07:00", "1969-02-03 00:00:00"]), 30)
    days = [s[:10] for s in random_stamps(20)] + ["infinity", "2024-02-01", "2023-02-01"]
    for fn in ("last_day", "dayname", "monthname"):
        yield fn, f"{fn}(CAST(? AS DATE))", [(d,) for d in days]
    yield "make_date", "make_date(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))", [("2024",
            "2", "29"), ("2023", "2", "29"), ("0", "1", "1"), ("-1", "1", "1"), ("5881580", "7",
            "11"), ("99999999", "1", "1"), ("2024", "13", "1"), ("2024", "0", "1"), ("2024", "1",
            "0")]
    yield "make_time", "make_time(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS DOUBLE))", [("10",
            "5", "1.5"), ("24", "0", "0"), ("25", "0", "0"), ("10", "60", "0"), ("10", "5", "60"),
            ("10", "5", "-1"), ("10", "5", "1.1234567")]
    formats = ["%a|%A|%w|%u|%d|%-d|%b|%h|%B|%m|%-m|%y|%-y|%Y",
            "%H|%-H|%I|%-I|%p|%M|%-M|%S|%-S|%f|%g|%n", "%G|%V|%z|%Z|%j|%-j|%U|%W|%c|%x|%X|%T|%%",
            "%d/%m/%Y", "abc", "", "%L", "%", "%-", "%-Y", "%E", "100%% %Y"]
    yield "strftime", "strftime(CAST(? AS TIMESTAMP), ?)", product(random_stamps(25) + ["infinity",
            "0044-03-15 (BC) 10:00:00", "2023-01-01 00:00:00", "2024-12-30 12:00:00",
            "2021-01-03 00:30:00"], formats)
    reads = [("05/01/2024", "%d/%m/%Y"), ("5/1/2024", "%d/%m/%Y"), ("5/1/24", "%d/%m/%y"),
            ("5/1/70", "%d/%m/%y"), ("5/1/68", "%d/%m/%y"), ("5/1/69", "%d/%m/%y"),
             ("2024-01-05 10:11:12.5", "%Y-%m-%d %H:%M:%S.%f"), ("2024-01-05 10:11:12.123456789",
                     "%Y-%m-%d %H:%M:%S.%f"), ("Jan 5, 2024", "%b %d, %Y"), ("january 5, 2024",
                     "%B %d, %Y"),
             ("Fri Jan 5 2024", "%a %b %d %Y"), ("Mon Jan 5 2024", "%a %b %d %Y"), ("10 PM",
                     "%I %p"), ("12 AM", "%I %p"), ("12 pm", "%I %p"), ("13 PM", "%I %p"), ("0 AM",
                     "%I %p"),
             ("2024 60", "%Y %j"), ("2023 366", "%Y %j"), ("2024", "%Y"), ("202", "%Y"), ("20245",
                     "%Y"), ("2024x", "%Y"), (" 2024 ", "%Y"), ("2024-02-30", "%Y-%m-%d"),
                     ("2024-13-01", "%Y-%m-%d"),
             ("25:00", "%H:%M"), ("10:60", "%H:%M"), ("10:11:60", "%H:%M:%S"), ("2024-W01-1",
                     "%G-W%V-%u"), ("2024 10 1", "%Y %U %w"), ("2024 10 1", "%Y %W %w"),
                     ("2023 10 0", "%Y %U %w"), ("2023 10 0", "%Y %W %w"),
             ("2024 10", "%Y %U"), ("2024 10", "%Y %W"), ("50%", "%d%%"), ("15%", "%d%%"), ("x",
                     "%Q"), ("x", "%Y"), ("2024-01-05", "%x"), ("2024-01-05 10:11:12", "%c"),
                     ("10:11:12", "%X"),
             ("05", "%-d"), ("5", "%-d"), ("infinity", "%Y"), ("99/1/2024", "%d/%m/%Y"),
                     ("2024  01", "%Y %m"), ("202401", "%Y%m"), ("2024-1", "%Y-%m"), ("2024 -1",
                     "%Y-%m"), ("Foo 5", "%b %d"), ("", "%Y"), ("", ""), ("-5", "%Y"), ("1", "%f"),
             ("7", "%u"), ("8", "%u"), ("2024 Friday", "%Y %A"), ("2020-53-7", "%G-%V-%u"),
                     ("2024-01-05", "%Y-%m-%d %H"), ("14 PM", "%H %p"), ("11 PM", "%H %p")]
    yield "strptime", "strptime(?, ?)", reads


def intervals() -> Iterable[Case]:
    texts = ["1 year 2 months", "1.5 years", "1.5 months", "1.5 weeks", "1.5 days", "1.5 hours",
            "-1.5 days", "1.123456789 seconds", "3 days ago", "1 day 2 hours ago", "04:05:06",
            "-04:05:06.5",
             "1 day 04:05", "100:05:06", "4:65:06", "@ 1 week", "@1 week", "1y2mon",
                     "1y 2mon 3d 4h 5m 6s", "1 yr", "1 mon", "1 m", "5 min", "5 ms", "5 us",
                     "5 usecs", "1 century", "1 c", "1 decade",
             "1 millennium", "1 millennia", "1 quarter", "2 quarters", "1 q", "", "x", "1",
                     "1 foo", "1 day,2 hours", "1 day, 2 hours", "+1 day", "1-2", "1 day 1 day",
                     "-1 year 2 months", "1 DAY",
             "  1   day  ", "1_0 days", "1e3 days", "3000000000 days", "300000000 years", "1 dow",
                     ".5 days", "1.55 months", "1.123 years", "1.5 quarters", "1.5 decades",
                     "1.25 centuries", "ago", "-5",
             "5.5", "@", "1.5 us", "1.5 ms", "1.9999999 seconds", "1.01 months", "1.999 days",
                     "4:5", "4:5:6", "04:60", "1 day 25:00", "1 day -04:05", "04:05:06.1234567",
                     "-13 months", "90000 seconds",
             "25 months -3 days -00:00:01", "1 month -30 days", "0 days", "2147483647 months",
                     "2147483648 months", "1 day ago 2 hours"]
    yield "parse_interval", "CAST(? AS INTERVAL)", [(t,) for t in texts]
    some = ["1 month 1 day 01:00:00", "1 year", "1 day", "-3 months 2 days", "00:00:01",
            "2147483647 months", "40 days 30:00:00", "1 month", "30 days", "24:00:00", "720:00:00",
            "-1 day", "31 days", "1 day -25:00:00"]
    yield "interval_multiply", "CAST(? AS INTERVAL) * CAST(? AS DOUBLE)", product(some, ["1.7",
            "0.5", "-2.25", "0", "3"])
    yield "interval_divide", "CAST(? AS INTERVAL) / CAST(? AS DOUBLE)", product(some, ["7", "2",
            "-3", "0.3"])
    for fn, op in (("add", "+"), ("subtract", "-")):
        yield f"interval_{fn}", f"CAST(? AS INTERVAL) {op} CAST(? AS INTERVAL)", product(some, some)
    for fn, op in (("equal", "="), ("less", "<")):
        yield f"interval_{fn}", f"CAST(? AS INTERVAL) {op} CAST(? AS INTERVAL)", product(some, some)
    for part in ("year", "month", "day", "decade", "century", "quarter", "hour", "minute",
            "second", "millisecond", "microsecond", "dow", "week"):
        yield "interval_extract", f"date_part('{part}', CAST(? AS INTERVAL))", [(part,
                i) for i in some]
    yield "interval_epoch", "date_part('epoch', CAST(? AS INTERVAL))", [(i,) for i in some]
    for part in ("year", "month", "day", "week", "decade", "quarter", "hour", "minute", "second",
            "dow", "isoyear"):
        yield "interval_trunc", f"date_trunc('{part}', CAST(? AS INTERVAL))", [(part,
                i) for i in some]


TEXTS = ["Łódź city", "O'Neil", "", "a,b,,c", "  x y ", "abcdef", "straße", "ÀÉÎ", "東京タワー", "añb",
        "🤦🏼‍♂️abc", "e\u0301x", "aaa", "ǆ ŉ ﬁ ᾳ ſ ı İ ẞ Σς ÿ µ", "\ta\n", "ABC def", "xyaxy",
        "\u00a0a\u2003"]
LONGS = [str(n) for n in (-9, -4, -2, -1, 0, 1, 2, 3, 5, 6, 20)]


def text() -> Iterable[Case]:
    for fn in ("length", "strlen", "bit_length", "upper", "lower", "trim", "ltrim", "rtrim",
            "reverse", "ascii", "unicode", "md5", "sha256", "sha1", "hex", "length_grapheme"):
        yield fn, f"{fn}(?)", [(t,) for t in TEXTS]
    letters = ["".join(chr(c) for c in range(a, a + 64)) for a in list(range(0xC0, 0x600,
            64)) + [0x1E00, 0x1E40, 0x1E80, 0x1EC0, 0x1F00, 0x1F40, 0x1F80, 0x1FC0, 0x2140, 0x2180,
            0x24B0, 0x2C00, 0x2C40, 0x2C80, 0xA640, 0xA680, 0xA720, 0xA760, 0xA7A0, 0xAB40, 0xAB80,
            0xFF20, 0x10400, 0x10440, 0x10A0, 0x10E0, 0x13A0, 0x1C80]]
    for fn in ("upper", "lower"):
        yield fn, f"{fn}(?)", [(t,) for t in letters]
    yield "substr", "substr(?, CAST(? AS BIGINT))", product(TEXTS[:11], LONGS)
    yield "substr", "substr(?, CAST(? AS BIGINT), CAST(? AS BIGINT))", sample(product(TEXTS, LONGS,
            LONGS), 260)
    yield "slice", "array_slice(?, CAST(? AS BIGINT), CAST(? AS BIGINT))", sample(product(TEXTS,
            LONGS, LONGS), 150)
    yield "character_at", "array_extract(?, CAST(? AS BIGINT))", sample(product(TEXTS, LONGS), 70)
    for fn in ("left", "right", "repeat"):
        yield fn, f"{fn}(?, CAST(? AS BIGINT))", product(TEXTS, LONGS)
    for fn in ("trim", "ltrim", "rtrim"):
        yield fn, f"{fn}(?, ?)", product(TEXTS, ["", "a", "xy", "é ", "Ł", "東"])
    for fn in ("lpad", "rpad"):
        yield fn, f"{fn}(?, CAST(? AS INTEGER), ?)", sample(product(TEXTS, LONGS, ["*", "東京", "",
                "xyz"]), 140)
    needles = ["", "a", "x", "ó", "bc", " ", ",", "京", "aa"]
    for fn, name in (("strpos", "position"), ("contains", "contains"), ("starts_with",
            "starts_with"), ("suffix", "ends_with"), ("string_split", "string_split")):
        yield name, f"{fn}(?, ?)", product(TEXTS, needles)
    yield "replace", "replace(?, ?, ?)", sample(product(TEXTS, needles, ["", "b", "ÿ"]), 120)
    yield "translate", "translate(?, ?, ?)", sample(product(TEXTS, ["ab", "aa", "éŁ ", ""], ["x",
            "xyz", "", "é"]), 80)
    yield "split_part", "split_part(?, ?, CAST(? AS BIGINT))", sample(product(TEXTS, needles,
            LONGS), 150)
    yield "chr", "chr(CAST(? AS INTEGER))", [(str(n),) for n in (65, 233, 0x20AC, 128512, -1,
            1114112, 1114111, 55296, 127, 128)]
    words = ["", "abc", "abd", "kitten", "sitting", "Łódź", "Łódz", "MARTHA", "MARHTA", "DIXON",
            "DICKSONX", "é", "e", "abcdefgh", "hgfedcba", "aab", "ca"]
    for fn in ("levenshtein", "damerau_levenshtein", "hamming", "jaccard", "jaro_similarity",
            "jaro_winkler_similarity"):
        # these count bytes in 2.0.0 and characters after it
        by_version = ("levenshtein", "jaro_similarity", "jaro_winkler_similarity")
        chosen = [w for w in words if w.isascii()] if fn in by_version else words
        yield fn, f"{fn}(?, ?)", product(chosen, chosen)


def patterns() -> Iterable[Case]:
    subjects = ["abc", "", "a%c", "東京", "ŁÓDŹ", "a_c", "abcabc", "a\\b", "ab\nc", "aXbXc", "ß"]
    likes = ["a%", "A%", "_b_", "", "%", "%%", "_京", "abc", "abc%%", "%b%", "%c", "a%c", "łódź",
            "%_%", "__", "a\\%c", "%b%c", "a_c", "%a%b%c%", "ẞ", "_%_"]
    yield "like", "? LIKE ?", product(subjects, likes)
    yield "ilike", "? ILIKE ?", product(subjects, likes)
    yield "like_escape", "? LIKE ? ESCAPE ?", product(subjects, ["a!%c", "a!_c", "a!!b", "a!bc",
            "%!%%"], ["!", "", "xx", "\\"])
    globs = ["a*", "[a-b]bc", "[!a]bc", "[^a]bc", "?bc", "?京", "a\\*c", "a[b", "[]abc", "a[]]c",
            "a[a-]c", "a**c", "", "*[a-c]", "*", "a?c*", "[!]a]bc", "[!x]*"]
    yield "glob", "? GLOB ?", product(subjects + ["a]c", "a-c", "a*c"], globs)
    regexes = ["b", "a.c", "(", "[0-9]+", "([a-z]+)([0-9]+)", "", "^b", "(a)(b)?", "X|b", "\\w+"]
    options = ["", "i", "l", "s", "m", "n", "ci", "x", "g"]
    yield "regexp_matches", "regexp_matches(?, ?, ?)", sample(product(subjects, regexes, options),
            250)
    yield "regexp_full_match", "regexp_full_match(?, ?)", product(subjects, regexes)
    yield "regexp_extract", "regexp_extract(?, ?, CAST(? AS INTEGER))", sample(product(subjects + ["ab12cd34"],
            regexes, ["0", "1", "2", "3", "9", "10", "-1"]), 200)
    yield "regexp_extract_all", "regexp_extract_all(?, ?, CAST(? AS INTEGER))", sample(product(subjects + ["ab12cd34"],
            regexes, ["0", "1", "2"]), 120)
    yield "regexp_replace", "regexp_replace(?, ?, ?, ?)", sample(product(subjects, regexes, ["-",
            "[\\0]", "\\1", "\\9", "$1", ""], ["", "g", "gi"]), 250)
    yield "regexp_split", "regexp_split_to_array(?, ?)", product(subjects, ["b", ",", "", "[a-c]",
            "X"])
    yield "regexp_escape", "regexp_escape(?)", [("a.b*c",), ("",), ("(x)",)]


def mathematics() -> Iterable[Case]:
    values = DOUBLES + uniform(40, -200, 200)
    digits = ["-400", "-2", "-1", "0", "1", "2", "3", "20", "400"]
    for fn in ("round", "trunc", "round_even"):
        yield fn, f"{fn}(CAST(? AS DOUBLE), CAST(? AS INTEGER))", sample(product(values, digits),
                300)
    yield "round_float", "round(CAST(? AS FLOAT), CAST(? AS INTEGER))", sample(product(values,
            digits[1:7]), 200)
    holdout = [f"{R.choice(['', '-'])}{a}.{f}" for a in range(0, 99, 3) for f in ("5", "05", "15",
            "25", "125", "995")]
    yield "round", "round(CAST(? AS DOUBLE), CAST(? AS INTEGER))", product(holdout, ["-1", "0",
            "1", "2"])
    yield "round_float", "round(CAST(? AS FLOAT), CAST(? AS INTEGER))", product(holdout, ["-1",
            "0", "1", "2"])
    yield "even", "even(CAST(? AS DOUBLE))", [(v,) for v in values]
    yield "sign", "sign(CAST(? AS DOUBLE))", [(v,) for v in values]
    for fn in ("cbrt", "ln", "log10", "log2", "gamma", "lgamma"):
        yield fn, f"{fn}(CAST(? AS DOUBLE))", [(v,) for v in values if v not in ("inf", "-inf")]
    yield "log_base", "log(CAST(? AS DOUBLE), CAST(? AS DOUBLE))", product(["2", "10", "0", "1",
            "-2", "2.5"], ["8", "0", "1000", "-4", "2.5", "1"])
    for fn in ("fmod", "fdiv"):
        yield fn, f"{fn}(CAST(? AS DOUBLE), CAST(? AS DOUBLE))", product(["7", "-7", "7.5", "-5.5",
                "0"], ["2", "-2", "0.3", "3"])
    yield "double_modulo", "CAST(? AS DOUBLE) % CAST(? AS DOUBLE)", product(["7", "-7", "7.5",
            "-5.5", "0"], ["2", "-2", "0.3", "3"])
    small = ["-128", "-127", "-100", "-7", "-1", "0", "1", "2", "3", "7", "64", "100", "127"]
    for name, bound in (("int8", ""), ("int32", "-2147483648 2147483647"), ("int64",
            "-9223372036854775808 9223372036854775807"), ("int128",
            "-170141183460469231731687303715884105728 170141183460469231731687303715884105727")):
        t, edge = INTS[name], bound.split()
        rows = sample(product(small + edge, small + edge), 90)
        for fn, op in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "//"),
                ("modulo", "%"), ("shift_left", "<<"), ("shift_right", ">>")):
            yield f"{name}_{fn}", f"CAST(? AS {t}) {op} CAST(? AS {t})", rows
        yield f"{name}_abs", f"abs(CAST(? AS {t}))", [(v,) for v in small + edge]
        yield f"{name}_bit_count", f"bit_count(CAST(? AS {t}))", [(v,) for v in small + edge]
        wide = ["1250", "1350", "-1250", "1249", "125", "115"] if name != "int8" else ["125",
                "115", "-125"]
        for fn in ("round", "trunc", "round_even"):
            yield f"{name}_{fn}", f"{fn}(CAST(? AS {t}), CAST(? AS INTEGER))", product(small + edge + wide,
                    ["-40", "-20", "-10", "-9", "-2", "-1", "0", "2"])
    for fn, op in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("shift_left", "<<"),
            ("shift_right", ">>")):
        yield f"uint8_{fn}", f"CAST(? AS UTINYINT) {op} CAST(? AS UTINYINT)", product(["0", "1",
                "7", "8", "100", "255"], ["0", "1", "7", "8", "100", "255"])
    yield "gcd", "gcd(CAST(? AS BIGINT), CAST(? AS BIGINT))", product(["12", "-12", "0", "5",
            "-9223372036854775808"], ["18", "0", "-5", "1"])
    yield "lcm", "lcm(CAST(? AS BIGINT), CAST(? AS BIGINT))", product(["4", "-4", "0",
            "9223372036854775807"], ["6", "0", "2", "1"])
    yield "factorial", "factorial(CAST(? AS INTEGER))", [(str(n),) for n in (-1, 0, 1, 5, 20, 33,
            34, 40)]
    yield "compare_less", "CAST(? AS DOUBLE) < CAST(? AS DOUBLE)", product(["nan", "inf", "-inf",
            "0", "-0.0", "1"], ["nan", "inf", "-inf", "0", "-0.0", "1"])


def statistics() -> Iterable[Case]:
    groups = ["", "1", "1 2", "3 3 3", "3 3 3 3 3", "10 30 5.5", "0.1 0.7 7.3 9.9", "nan 2 7",
            "1 2 3 4 5 6 7 8 9 10.5", "-5 0 5"]
    groups += [" ".join(uniform(R.randrange(3, 30), -100, 1000)) for _ in range(25)]
    for fn in ("var_samp", "var_pop", "stddev_samp", "stddev_pop", "sem", "skewness", "kurtosis",
            "kurtosis_pop", "median", "mad", "product", "sum", "avg", "fsum", "entropy"):
        yield fn, f"(SELECT {fn}(x) FROM {VALUES})", [(g,
                ) for g in groups]
    positive = [g for g in groups if "-" not in g and "nan" not in g]
    yield "geomean", f"(SELECT geomean(x) FROM {VALUES})", [(g,
            ) for g in positive]
    for fn in ("quantile_cont", "quantile_disc"):
        for q in ("0", "0.1", "0.25", "0.5", "0.9", "1", "-0.25", "1.5"):
            yield fn, f"(SELECT {fn}(x, {q}) FROM {VALUES})", [(g,
                    q) for g in groups]
    pairs = ["", "1", "1 2", "3 3 3", "1 2 3 4"] + [" ".join(uniform(R.randrange(3, 20), -100,
            100)) for _ in range(12)]
    for fn in ("corr", "covar_samp", "covar_pop", "regr_slope", "regr_intercept", "regr_r2",
            "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy"):
        yield fn, f"(SELECT {fn}(x * x - 3 * x, x) FROM {VALUES})", [(g,
                ) for g in pairs]


def formats() -> Iterable[Case]:
    kinds = {"int": "CAST(? AS BIGINT)", "double": "CAST(? AS DOUBLE)",
            "text": "CAST(? AS VARCHAR)", "bool": "CAST(? AS BOOLEAN)",
            "huge": "CAST(? AS HUGEINT)"}
    args = [("int", "42"), ("int", "-42"), ("int", "123456789"), ("int", "65"), ("double",
            "3.14159"), ("double", "1e20"), ("double", "-1234567.891"), ("double", "nan"),
            ("double", "inf"), ("double", "2.5"), ("double", "1"), ("text", "abc"), ("text", "é"),
            ("bool", "true"), ("huge", "170141183460469231731687303715884105727")]
    fmts = ["{}", "{}|{}", "{0} {0}", "{{}}", "{", "}", "{:d}", "{:05d}", "{:>10}|", "{:<10}|",
            "{:^10}|", "{:*^10}|", "{:x}", "{:X}", "{:#x}", "{:b}", "{:o}", "{:e}", "{:.3e}",
            "{:g}", "{:+d}", "{: d}", "{:,}", "{:_}", "{:,.2f}", "{:t.}", "{:.2f}", "{:10.2f}|",
            "{:010.2f}|", "{:.2}", "{:s}", "{:.0f}", "{:+.1f}", "{a}", "{1}", "text", "{:z}", "{:"]
    prints = ["%d", "%5d|", "%-5d|", "%+d", "%05d", "% d", "%x", "%X", "%o", "%#x", "%c", "%s",
            "%10s|", "%-10s|", "%.2s", "%f", "%.2f", "%8.2f|", "%-8.2f|", "%08.2f", "%e", "%g",
            "%G", "%%", "%% %d", "%d %d", "%i", "%u", "%ld", "%lld", "%,d", "%.d", "%1$s", "%2$s",
            "%q", "%", "%5.1f%%", "text", "%+.2e"]
    for fn, all_patterns in (("format", fmts), ("printf", prints)):
        for kind, value in args:
            yield f"{fn}", f"{fn}(?, {kinds[kind]})", [(p, value, kind) for p in all_patterns]


def main() -> None:
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    drop = {"parse_decimal": 1, "decimal_of_double": 1, "decimal_of_int": 1, "rescale": 1,
            "double_of_decimal": 1, "format": 2, "printf": 2}
    for make in (numbers, decimals, dates, intervals, text, patterns, mathematics, statistics,
            formats):
        count = 0
        with open(HERE / f"{make.__name__}.jsonl", "w", encoding="utf-8") as out:
            seen = set()
            for name, sql, rows in make():
                for row in rows:
                    call = [name, *row]
                    if tuple(call) in seen:
                        continue
                    seen.add(tuple(call))
                    given = list(row)
                    if name != "interval_epoch" and sql.startswith(PART_FUNCTIONS):
                        given = given[1:]
                    elif name.startswith("quantile"):
                        given = given[:1]
                    elif name in drop:
                        given = given[: drop[name]]
                    elif name.endswith("_of_decimal") or name in ("decimal_floor", "decimal_ceil"):
                        given = given[:1]
                    elif name in ("decimal_round", "decimal_trunc", "decimal_round_even"):
                        given = [given[0], given[3]]
                    elif name.startswith("decimal_") and len(given) == 6:
                        given = [given[0], given[3]]
                    line: dict = {"call": call}
                    try:
                        line["value"] = con.execute(f"SELECT CAST(({sql}) AS VARCHAR)",
                                given).fetchone()[0]
                    except duckdb.Error as problem:
                        line["error"] = type(problem).__name__
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
                    count += 1
        print(make.__name__, count)


if __name__ == "__main__":
    main()
