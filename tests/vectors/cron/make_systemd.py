"""Writes systemd_syntax.jsonl and systemd_dst.jsonl from what systemd-analyze calendar answers."""
import datetime
import json
import random
import re
import subprocess

HERE = __file__.rsplit("/", 1)[0]
MOST = 380  # ticks asked for at once: more are slow
YEAR = (1830297600, 1861920000)  # 2028
TEXTS = """minutely|hourly|daily|weekly|monthly|quarterly|semiannually|yearly|annually|Weekly|reboot
Mon *-05~07/1|*-*~1|*-02~03|*-02~1,3..5|*-*~28|*-*~29|*-*~0|*-*~5..9/2|*-02-29|2024-02-30|2028-02-29
5/20:00|*/3:00|0/3:00|22..02:00|60:00|*-13-01|00:00/0|3:|*:5/100|tues 1:00|12:00~3|24:00|1:60
*:0/15|*:5..10/2|Sat,Thu,Mon..Wed,Sat..Sun|Mon,Sun 12-*-* 2,1:23|10-15|Fri..Mon|Sat..Mon|Mon-Fri 1:00
Mon|Mon..|,Mon|Mon,,Tue|Mon,|Mon.Tue|Monday 2:00|MONDAY|thursdays|Wed..Sat,Tue 28-10-15 1:2:3|1,:00
*-*-7 0:0:0|*-*-1/30|*-*-1/40|*-*-*/2|2010..2028-1-1|2300-1-1|1970-1-1|1969-1-1|28-1-1|99-1-1|1-2-3 4|4
weekly UTC|hourly utc|daily Europe/Berlin|daily Europe/Nowhere|*-*-* 10:00:00 +02:00|minutely/2|1..10/20:0
8..8:0|8..8/2:0|09..08:0|0/61:00|1,2,3:4:5|*-1..3-* 5:00|Mon-Fri..Sat 1:0|*-*-*T10:00|@1840000000|@x|@
Mon  10:00|Mon 10:00 x|*-*-* 00/6:30|*-1/3-2/7 12:34:56|2028..2029-6..8-1..31/10 0/12:15/20:30""".replace("\n", "|")
ZONES = {
    "America/New_York": ["2024-03-10", "2024-11-03", "2028-03-12", "2050-11-06"],
    "Europe/Paris": ["2025-03-30", "2025-10-26"],
    "Australia/Lord_Howe": ["2024-10-06", "2024-04-07"],
    "America/Havana": ["2024-03-10", "2024-11-03"],
    "Pacific/Apia": ["2011-12-30"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "Pacific/Chatham": ["2024-04-07", "2024-09-29"],
}


def analyze(text: str, base: int, count: int) -> list[int] | None:
    """The next elapses after `base`, or None where the text is refused."""
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={count}", f"--base-time=@{base}", text],
        capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        return None
    found = re.findall(r"(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w+ ([-\d]+ [:\d]+) (\S+)", done.stdout)
    stamps = [datetime.datetime.fromisoformat(stamp + "+00:00") for stamp, zone in found if zone == "UTC"]
    return [int(stamp.timestamp()) for stamp in stamps]


def syntax_row(text: str) -> dict:
    ticks = analyze(text, YEAR[0] - 1, MOST)
    row = {"dialect": "systemd", "entry": text, "accepted": ticks is not None}
    inside = sorted({t // 60 * 60 for t in ticks or [] if YEAR[0] <= t < YEAR[1]})
    if len(inside) >= MOST:
        return {}  # too many to list
    return row | {"count": len(inside), "first": inside[:3]}


def field(rng: random.Random, low: int, high: int) -> str:
    a, b = sorted((rng.randint(low, high), rng.randint(low, high)))
    return rng.choice(["*", f"{a:02}", f"{a:02},{b:02}", f"{a:02}..{b:02}", f"{low:02}/{rng.randint(2, 5)}"])


def dst_row(rng: random.Random, zone: str, day: str) -> dict:
    midnight = int(datetime.datetime.fromisoformat(day + "T00:00:00+00:00").timestamp())
    after, before = midnight - 14 * 3600, midnight + 16 * 3600
    hour = rng.choice([field(rng, 0, 4), field(rng, 0, 23), "*"])
    text = rng.choice([f"*-*-* {hour}:{field(rng, 0, 59)}:00", f"{hour}:{rng.choice(['00', '30', '00/30', '15'])}"])
    ticks = analyze(f"{text} {zone}", after, MOST)
    if ticks is None:
        return {}
    if len(ticks) == MOST:
        before = min(before, ticks[-1])
    inside = [t for t in ticks if after < t < before]
    return {"dialect": "systemd", "entry": text, "zone": zone, "after": after, "before": before,
            "runs": sorted({t // 60 * 60 for t in inside}), "launches": len(inside)}


def write(name: str, rows: list[dict]) -> None:
    with open(f"{HERE}/{name}", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows if row)


def main() -> None:
    rng = random.Random(252)
    write("systemd_syntax.jsonl", [syntax_row(text) for text in TEXTS.split("|")])
    write("systemd_dst.jsonl", [dst_row(rng, zone, day) for zone, days in ZONES.items()
                                for day in days for _ in range(6)])


if __name__ == "__main__":
    main()
