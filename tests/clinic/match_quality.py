#!/usr/bin/env python3
"""How well duplicates are found, against labels that none of us made: Febrl's data sets 1 and 3 go in as FHIR patients,
the program lists the pairs it takes to be one person at its default settings, and precision and recall are held to
their bars. match_quality.py PROGRAM. Skips (77) where neither CLINICDB_SHARED_DATA nor ../shared/data
beside the checkout has them."""
import collections
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
PRECISION_MIN, RECALL_MIN = 0.99, 0.95
NAMESPACE = "urn:febrl:"


def clinicdb(directory, *words):
    done = subprocess.run([PROGRAM, *words, "--data", os.path.join(directory, "data"), "--json"], check=False,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"clinicdb {' '.join(words)}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def patient(row):
    """A row as a FHIR patient; a field that is empty is left out."""
    given, family = row["given_name"], row["surname"]
    born = row["date_of_birth"]
    address = {"line": [f"{row['address_1']}"] if row["address_1"] else [], "city": row["suburb"],
               "postalCode": row["postcode"]}
    resource = {"resourceType": "Patient", "id": row["rec_id"],
                "name": [{k: v for k, v in {"family": family, "given": [given] if given else []}.items() if v}],
                "address": [{k: v for k, v in address.items() if v}],
                "identifier": [{"system": NAMESPACE + "soc_sec_id", "value": row["soc_sec_id"]}]
                if row["soc_sec_id"] else []}
    if len(born) == 8 and "01" <= born[4:6] <= "12" and "01" <= born[6:] <= "31":
        resource["birthDate"] = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    resource = {k: [i for i in v if i] if isinstance(v, list) else v for k, v in resource.items()}
    return {k: v for k, v in resource.items() if v}


def evaluate(path):
    with gzip.open(path, "rt") as file:
        rows = [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]
    with tempfile.TemporaryDirectory(prefix="clinicdb-match-") as directory:
        name = os.path.join(directory, "patients.ndjson")
        with open(name, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(patient(row)) + "\n")
        clinicdb(directory, "init")
        clinicdb(directory, "tenant", "create", "febrl")
        clinicdb(directory, "import", "--tenant", "febrl", name)
        found = clinicdb(directory, "patient", "duplicates", "--tenant", "febrl")
        export = os.path.join(directory, "export")
        clinicdb(directory, "export", "--tenant", "febrl", "--output", export)
        names = ids(export)
    person = {row["rec_id"]: row["rec_id"].split("-")[1] for row in rows}
    sizes = collections.Counter(person.values())
    true_pairs = sum(n * (n - 1) // 2 for n in sizes.values())
    right = sum(person[names[pair["patient"]["id"]]] == person[names[pair["duplicate"]["patient"]["id"]]]
                for pair in found["pairs"])
    precision, recall = right / max(1, len(found["pairs"])), right / true_pairs
    all_pairs = len(rows) * (len(rows) - 1) // 2
    print(f"{os.path.basename(path)}: {len(rows)} records, {true_pairs} true pairs; {found['comparisons']} of "
          f"{all_pairs} pairs compared; precision {precision:.4f}, recall {recall:.4f}")
    return precision >= PRECISION_MIN and recall >= RECALL_MIN and found["comparisons"] < all_pairs / 100


def ids(export):
    """FHIR id by ours, as docs/fhir.md derives it: the export writes FHIR ids alone, so it is derived here too."""
    import hashlib
    import uuid
    names = {}
    for root, _, files in os.walk(export):
        for file in files:
            if not file.startswith("Patient"):
                continue
            path = os.path.join(root, file)
            with (gzip.open(path, "rt") if file.endswith(".gz") else open(path, encoding="utf-8")) as lines:
                for line in lines:
                    fhir = json.loads(line)["id"]
                    digest = bytearray(hashlib.sha256(f"Patient/{fhir}".encode()).digest()[:16])
                    digest[6] = digest[6] & 0x0F | 0x80
                    digest[8] = digest[8] & 0x3F | 0x80
                    names[str(uuid.UUID(bytes=bytes(digest)))] = fhir
    return names


def main():
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
    shared = os.environ.get("CLINICDB_SHARED_DATA", beside)
    folder = os.path.join(shared, "febrl")
    if not os.path.isdir(folder):
        print(f"skipped: {os.path.normpath(shared)} has no febrl/dataset*.csv.gz")
        return 77
    good = [evaluate(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".csv.gz")]
    if not all(good):
        print(f"the bars are precision {PRECISION_MIN}, recall {RECALL_MIN}, and one pair of a hundred compared")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
