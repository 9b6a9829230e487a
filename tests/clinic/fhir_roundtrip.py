#!/usr/bin/env python3
"""What goes in comes out: imports FHIR data that none of us wrote with the `clinicdb` executable, exports it, and
compares resource by resource, digits included, with an understanding of FHIR of its own.

fhir_roundtrip.py CLINICDB [DATA]     DATA: $CLINICDB_SHARED_DATA, else ../shared/data beside the checkout

Exits with 77 (skipped) when the data is not there, with 1 when something differs.
"""
import collections
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile

SETS = ("synthea-r4", "bulk-ndjson", "fhir-r4-examples", "rnds-br")
UNPACKED = ("transaction", "batch", "collection")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
UUID = re.compile(r"urn:uuid:([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


class Number(str):
    """A number as it was written."""


def loads(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def same(a, b):
    """JSON equality: members in any order, numbers by their digits, 1 and "1" apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def documents(folder):
    """(file, JSON) of every document and every NDJSON line."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not re.search(r"\.(nd)?json(\.gz)?$", name):
            continue
        with (gzip.open if name.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
            text = file.read()
        for part in text.splitlines() if ".ndjson" in name else [text]:
            if part.strip():
                yield path, loads(part)


def stored_entries(bundle):
    """The entries of a bundle that store a resource."""
    for entry in bundle.get("entry", []):
        request = entry.get("request", {})
        if "resource" not in entry:
            continue
        if request.get("method") in ("GET", "HEAD", "DELETE") or "$" in request.get("url", ""):
            continue
        yield entry


def resource_id(resource, full_url):
    """The logical id that is kept or follows from the input; None where the store makes one of the content."""
    if "id" in resource:
        return resource["id"]
    match = UUID.fullmatch(full_url or "")
    return match.group(1).lower() if match else None


def mapped(value, references):
    if isinstance(value, dict):
        return {k: references.get(v, v) if k == "reference" and isinstance(v, str) else mapped(v, references)
                for k, v in value.items()}
    if isinstance(value, list):
        return [mapped(v, references) for v in value]
    return value


def expected(folder):
    """(type, id or None, resource) of all that R4 lets in, in order, and how many it does not."""
    kept, refused = [], 0
    for _, document in documents(folder):
        if document["resourceType"] != "Bundle" or document.get("type") not in UNPACKED:
            entries = [{"resource": document}]
        else:
            entries = list(stored_entries(document))
        # A version that cannot be there in an empty store fails the whole transaction.
        if document.get("type") == "transaction" and any("ifMatch" in e.get("request", {}) for e in document["entry"]):
            refused += len(entries)
            continue
        references = {}
        for entry in entries:
            identity = resource_id(entry["resource"], entry.get("fullUrl"))
            if identity and entry.get("fullUrl", "").startswith("urn:"):
                references[entry["fullUrl"]] = entry["resource"]["resourceType"] + "/" + identity
        for entry in entries:
            resource = entry["resource"]
            identity = resource_id(resource, entry.get("fullUrl"))
            if identity is not None and not ID.fullmatch(identity):
                refused += 1
            else:
                kept.append((resource["resourceType"], identity, mapped(resource, references)))
    return kept, refused


def exported(folder):
    resources = {}
    for _, resource in documents(folder):
        key = (resource["resourceType"], resource["id"])
        assert key not in resources, f"{key} is exported twice"
        resources[key] = resource
    return resources


def compare(kept, out):
    """Yields what differs."""
    last = {}
    nameless = collections.defaultdict(list)
    for kind, identity, resource in kept:
        if identity is None:
            nameless[kind].append(resource)
        else:
            last[(kind, identity)] = dict(resource, id=identity)
    for key, resource in last.items():
        if key not in out:
            yield f"{key[0]}/{key[1]} is missing"
        elif not same(out[key], resource):
            yield f"{key[0]}/{key[1]} differs"
    rest = {key: resource for key, resource in out.items() if key not in last}
    for kind, resources in nameless.items():
        for resource in resources:
            found = next((k for k, r in rest.items() if k[0] == kind and same(dict(r, id=0), dict(resource, id=0))), None)
            if found is None:
                yield f"a {kind} without an id is missing"
            else:
                del rest[found]
    for key in rest:
        yield f"{key[0]}/{key[1]} came from nowhere"


def run(executable, *arguments, status=(0,)):
    done = subprocess.run([executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in status:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def check_set(executable, folder, work):
    store = os.path.join(work, "store")
    run(executable, "init", "--data", store)
    run(executable, "tenant", "create", "--data", store, "clinic")
    kept, refused = expected(folder)
    arguments = ("import", "--data", store, "--tenant", "clinic", "--json", folder)
    failures = []
    for again in (False, True):
        status = (0,) if refused == 0 else tuple(range(1, 128))
        report = json.loads(run(executable, *arguments, status=status).stdout.strip().splitlines()[-1])
        distinct = len({(k, i) for k, i, _ in kept if i is not None}) + sum(i is None for _, i, _ in kept)
        if report["failed"] != refused:
            failures.append(f"{report['failed']} failed, {refused} should have")
        if report["resources"] != len(kept) + refused:
            failures.append(f"{report['resources']} resources, there are {len(kept) + refused}")
        if again and report["imported"] != 0:
            failures.append(f"the second import changed {report['imported']} resources")
        if not again and report["imported"] < distinct:
            failures.append(f"{report['imported']} imported, there are {distinct}")
        out = os.path.join(work, "again" if again else "out")
        run(executable, "export", "--data", store, "--tenant", "clinic", "--output", out)
        resources = exported(out)
        failures += compare(kept, resources)
        counts = collections.Counter(kind for kind, _ in resources)
        wanted = collections.Counter(kind for kind, _ in {(k, i if i is not None else n) for n, (k, i, _) in enumerate(kept)})
        if counts != wanted:
            failures.append(f"by type: {dict(counts - wanted)} too many, {dict(wanted - counts)} missing")
    run(executable, "verify", "--data", store)
    return len(kept), refused, failures


def main():
    executable = sys.argv[1]
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
    data = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CLINICDB_SHARED_DATA", beside)
    if not os.path.isdir(data):
        print(f"skipped: there is no {os.path.normpath(data)}")
        return 77
    failed = False
    for name in SETS:
        folder = os.path.join(data, name)
        if not os.path.isdir(folder):
            print(f"{name}: skipped, not there")
            continue
        with tempfile.TemporaryDirectory() as work:
            kept, refused, failures = check_set(executable, folder, work)
        print(f"{name}: {kept} resources, {refused} refused, {len(failures)} findings")
        for failure in failures[:20]:
            print(f"  {failure}")
        failed = failed or bool(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
