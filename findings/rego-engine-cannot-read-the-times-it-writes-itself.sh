#!/usr/bin/env bash
# Tools: regopy 1.5.2 (PyPI; Microsoft's rego-cpp), opa-eval 0.1.1 (PyPI; built on Microsoft's regorus).
#
# One would guess: two engines of one vendor for one policy language read an RFC 3339 time alike, above all one that
# ends with Z, as all times of Azure Resource Manager do (createdAt, lastKeyRotationTimestamp).
#
# What happens: regopy knows numeric offsets only. `time.parse_rfc3339_ns` of a time that ends with Z is undefined: no
# error, just no value, and every rule that depends on it holds no longer. A registry whose key was rotated nine days
# ago is so told apart by the ending alone: with +00:00 it was rotated lately, with Z it was not. The other engine says
# yes to both. The engine's own `time.format` writes times that end with Z, so it cannot read back what it wrote.
# Undefined is no error: write rules so that a time without a value fails them.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install -q --disable-pip-version-check regopy==1.5.2 opa-eval==0.1.1 >&2

cat > rotation.rego <<'REGO'
package rotation

import rego.v1

default lately := false

# Within 90 days.
lately if input.now - time.parse_rfc3339_ns(input.rotated) < time.parse_duration_ns("2160h")
REGO

cat > ask.py <<'PY'
import json
import opa_eval, regopy

NOW = 1795979472000000000  # 2026-11-29T19:11:12Z


def by_regopy(rotated):
    engine = regopy.Interpreter()
    engine.add_module("rotation", open("rotation.rego").read())
    engine.set_input_term(json.dumps({"now": NOW, "rotated": rotated}))
    return json.loads(str(engine.query("x = data.rotation.lately")))["bindings"]["x"]


def by_regorus(rotated):
    engine = opa_eval.OpaEval("rotation.rego", query="data.rotation.lately")
    return json.loads(engine.evaluate(json.dumps({"now": NOW, "rotated": rotated})))


for rotated in ("2026-11-20T10:11:12+00:00", "2026-11-20T10:11:12Z", "2026-11-20T10:11:12.1234567+00:00", "2026-11-20T10:11:12.1234567Z"):
    print(f"rotated {rotated}: lately by regopy {by_regopy(rotated)}, by regorus {by_regorus(rotated)}")

written = json.loads(str(regopy.Interpreter().query("x = time.format(1795169472000000000)")))["bindings"]["x"]
print(f"regopy writes {written}")
print(f"regopy reads it: {str(regopy.Interpreter().query(f'x = time.parse_rfc3339_ns({json.dumps(written)})')).strip()}")
PY
env/bin/python ask.py > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
rotated 2026-11-20T10:11:12+00:00: lately by regopy True, by regorus True
rotated 2026-11-20T10:11:12Z: lately by regopy False, by regorus True
rotated 2026-11-20T10:11:12.1234567+00:00: lately by regopy True, by regorus True
rotated 2026-11-20T10:11:12.1234567Z: lately by regopy False, by regorus True
regopy writes 2026-11-20T10:11:12.000000000Z
regopy reads it: undefined
OUT
