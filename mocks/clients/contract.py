"""Holds what clients exchanged with azure-sim against Microsoft's OpenAPI files.

    contract.py CONTRACT_DIR LOG.jsonl ...

What azure-sim answers must fit wherever a file describes the operation; versions that no file is of are checked by the
nearest that one is of. What clients send, and operations that no file has, are listed apart. Ends with 1 on a violation.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# What does not fit and is answered all the same: the path with its version, the place, and why.
KNOWN = [
    (r"/validate [-\w]+$", r"response\.(id|name|type)$", "recorded; the file leaves it out"),
    (r"^/acr/v1/.*/_manifests", r".*\.(mediaType|quarantineState)$", "recorded; the file leaves it out"),
    (r"/registries/[^/]+ [-\w]+$", r"response\.status$", "recorded beside an error; the file leaves it out"),
    (r"/registries(/[^/]+)? [\d-]+-preview$", r".*\.policies\.softDeletePolicy$", "recorded in previews; no file is of one"),
    (r"^/v2/.*/blobs/", r"status$", "layers come from the storage account, by a redirect (R-DP-23); the file has its end"),
    (r"^/v2/.*/manifests/", r"response$", "as the OCI distribution specification has it; the file has a body"),
]

# Hosts that no file describes, and what a browserless proxy refuses.
NO_FILES = re.compile(r"^(login\.|graph\.|169\.254\.169\.254$|api\.loganalytics)")


def bundles(directory):
    """The versions that there are files of, by service."""
    found = collections.defaultdict(set)
    for file in (directory / "bundles").glob("*.json"):
        about = json.loads(file.read_text())["x-bundle"]
        if about.get("api-version"):
            found[about["service"]].add(about["api-version"])
    return found


def nearest(version, known):
    """The oldest version that is not older, else the newest there is: what is described there, an older one has not."""
    dated = sorted(v for v in known)
    return next((v for v in dated if v >= version[:10]), dated[-1])


def exchanges(files):
    for file in files:
        for line in pathlib.Path(file).read_text().splitlines():
            one = json.loads(line)
            if one["status"] and one["method"] != "CONNECT" and not NO_FILES.match(one["host"]):
                yield one


def is_response(problem):
    return problem["where"].startswith(("response", "status"))


def is_known(path, where):
    return any(re.search(at, path) and re.match(place, where) for at, place, _ in KNOWN)


def main():
    directory, files = pathlib.Path(sys.argv[1]), sys.argv[2:]
    all_ = list(exchanges(files))
    if not all_:
        sys.exit("there is nothing to check")
    sent = {e["query"].get("api-version") for e in all_} - {None}
    line = [sys.executable, "-W", "ignore", directory / "contract_check.py", "--json"]
    for service, known in bundles(directory).items():
        for version in sent - known:
            line += ["--alias", f"{service}:{version}={nearest(version, known)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as log:
        log.writelines(json.dumps(e) + "\n" for e in all_)
        log.flush()
        done = subprocess.run([*map(str, line), log.name], capture_output=True, text=True)
    told = [json.loads(one) for one in done.stdout.splitlines()]
    if len(told) != len(all_):
        sys.exit(f"{len(told)} of {len(all_)} were checked: {done.stderr[-2000:]}")
    faults, sent_wrong, without, known, warnings = (collections.Counter() for _ in range(5))
    for one, problems in zip(all_, (t["problems"] for t in told)):
        path = re.sub(r"(?i)/subscriptions/[^/]*", "", one["path"])
        version = one["query"].get("api-version")
        if any(p["code"] == "NO_OPERATION" for p in problems):
            without[f"{one['method']} {path} {version}"] += 1
            continue
        for problem in problems:
            what = f"{one['method']} {path} {version} {one['status']}: {problem['where']} {problem['code']} {problem['text']}"
            if problem["level"] != "violation":
                warnings[problem["code"]] += 1
            elif is_known(f"{one['path']} {version}", problem["where"]):
                known[what] += 1
            elif is_response(problem):
                faults[what] += 1
            else:
                sent_wrong[what] += 1
    for title, found in [("operations without a file", without), ("sent by clients otherwise than the files have it", sent_wrong),
                         ("known and recorded all the same", known), ("VIOLATIONS", faults)]:
        print(f"{title}: {found.total()} of {len(found)} kinds")
        for what, times in sorted(found.items()):
            print(f"  {times:>4} {what[:400]}")
    print(f"warnings: {dict(sorted(warnings.items()))}")
    checked = len(all_) - without.total()
    print(f"contract: {checked} exchanges checked, {faults.total()} violations in answers")
    sys.exit(1 if faults or not checked else 0)


main()
