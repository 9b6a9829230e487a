#!/usr/bin/env python3
"""The no-show year and the outpatient slots, loaded: what the store counts by tenant and month is what an independent reading of the file
counts, and every row is loaded or refused for a reason. noshow_counts.py PROGRAM. Skips (77) where
neither CLINICDB_SHARED_DATA nor ../shared/data beside the checkout has it."""
import collections
import csv
import datetime
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata

PROGRAM = os.path.abspath(sys.argv[1])


def slug(place):
    plain = unicodedata.normalize("NFKD", place).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def expected(path):
    """Counts by tenant and month, and by kind of dirt, of rows that can be loaded."""
    months, dirt, seen, days = collections.defaultdict(collections.Counter), collections.Counter(), set(), set()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                day = datetime.date.fromisoformat(row["AppointmentDay"][:10])
            except ValueError:
                dirt["refused"] += 1
                continue
            if row["AppointmentID"] in seen or not slug(row["Neighbourhood"]):
                dirt["refused"] += 1
                continue
            seen.add(row["AppointmentID"])
            months[slug(row["Neighbourhood"])][day.strftime("%Y-%m")] += 1
            dirt["patient id not a whole number"] += not row["PatientId"].isdigit()
            dirt["appointment before its booking day"] += row["ScheduledDay"][:10] > row["AppointmentDay"][:10]
            dirt["age below 0"] += int(row["Age"]) < 0
            dirt["age above 120"] += int(row["Age"]) > 120
            key = row["PatientId"], day
            dirt["the patient's second appointment of the day"] += key in days
            days.add(key)
    return {tenant: dict(counts) for tenant, counts in months.items()}, dirt


def expected_slots(path):
    """Taken slots by month, and how many are free."""
    months, free = collections.Counter(), 0
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            free += row["is_available"] == "True"
            months[row["appointment_date"][:7]] += row["is_available"] == "False"
    return {month: count for month, count in months.items() if count}, free


def outpatient_faults(directory, folder):
    months, free = expected_slots(os.path.join(folder, "slots.csv.gz"))
    report = load(directory, folder, "outpatient")
    print(f"{report['rows']} rows, {report['patients']} patients, {report['loaded']} slots taken, {report['free']} free "
          f"in {report['seconds']:.1f} s, {report['refused']} refused; repaired: {json.dumps(report['repaired'])}")
    return [fault for fault, found in (
        ("the counts of taken slots by month differ", report["months"] != {"outpatient": months}),
        ("the count of free slots differs", report["free"] != free),
        ("loading again changes something", load(directory, folder, "outpatient")["loaded"] != 0)) if found]


def load(directory, path, what="noshow"):
    done = subprocess.run([PROGRAM, "load", what, path, "--data", os.path.join(directory, "data"), "--json"],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"clinicdb load {what}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def main():
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
    shared = os.environ.get("CLINICDB_SHARED_DATA", beside)
    path = os.path.join(shared, "noshow", "appointments.csv.gz")
    if not os.path.exists(path):
        print(f"skipped: {os.path.normpath(shared)} has no noshow/appointments.csv.gz")
        return 77
    months, dirt = expected(path)
    with tempfile.TemporaryDirectory(prefix="clinicdb-noshow-") as directory:
        report = load(directory, path)
        again = load(directory, path)
        slots = os.path.join(shared, "outpatient-slots")
        faults = outpatient_faults(directory, slots) if os.path.isdir(slots) else []
        data = os.path.join(directory, "data")
        verified = subprocess.run([PROGRAM, "verify", "--data", data], capture_output=True, text=True, check=False)
    if report["months"] != months:
        faults.append("the counts by tenant and month differ")
    if report["refused"] != dirt.pop("refused", 0):
        faults.append(f"refused {report['refused']} rows")
    if report["loaded"] + report["refused"] != report["rows"]:
        faults.append("rows are neither loaded nor refused")
    for kind, count in dirt.items():
        if report["repaired"].get(kind, 0) != count:
            faults.append(f"{kind}: {report['repaired'].get(kind, 0)}, not {count}")
    if again["loaded"] != 0 or again["months"] != months:
        faults.append("loading again changed something")
    if verified.returncode != 0:
        faults.append("the store does not verify: " + verified.stdout)
    print(f"{report['rows']} rows, {report['loaded']} loaded into {len(months)} tenants in {report['seconds']:.1f} s, "
          f"{report['refused']} refused; repaired: {json.dumps(report['repaired'])}")
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
