"""The same work in native Python: a program for the interpreter that is to be measured, which needs nothing installed.

Standard input is JSON: {"work", "path", "runs", "pattern"?}; output is JSON: {"answer", "times"}, in milliseconds.
"""

import csv
import gc
import io
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path


def grouped(found):
    """{city: (total, p95)} of rows (city, amount, ms)."""
    groups = {}
    for city, amount, ms in found:
        group = groups.get(city)
        if group is None:
            group = groups[city] = ([], [])
        group[0].append(amount)
        group[1].append(ms)
    answer = {}
    for city, (amounts, times) in groups.items():
        times.sort()
        place, rest = divmod(0.95 * (len(times) - 1), 1)
        low, high = times[int(place)], times[min(int(place) + 1, len(times) - 1)]
        answer[city] = (sum(amounts), low + (high - low) * rest)
    return answer


def by_csv(text, pattern):
    table = csv.reader(io.StringIO(text))
    next(table)
    return grouped((row[1], float(row[2]), float(row[3])) for row in table)


def by_json(text, pattern):
    parsed = map(json.loads, io.StringIO(text))
    return grouped((row["city"], row["amount"], row["ms"]) for row in parsed)


def count(text, pattern):
    return sum(1 for _ in re.finditer(pattern, text))


def top(text, pattern):
    return Counter(re.findall(pattern, text)).most_common(1)[0][1]


def main():
    asked = json.load(sys.stdin)
    work = {"csv": by_csv, "json": by_json, "count": count, "top": top}[asked["work"]]
    text = Path(asked["path"]).read_text(encoding="utf-8")
    times = []
    for _ in range(asked["runs"]):
        gc.collect()
        started = time.perf_counter()
        answer = work(text, asked.get("pattern"))
        times.append((time.perf_counter() - started) * 1000)
    json.dump({"answer": answer, "times": times}, sys.stdout)


if __name__ == "__main__":
    main()
