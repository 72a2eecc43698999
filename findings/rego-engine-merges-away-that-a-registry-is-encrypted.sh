#!/usr/bin/env bash
# Tools: regopy 1.5.2 (PyPI; Microsoft's rego-cpp), opa-eval 0.1.1 (PyPI; built on Microsoft's regorus).
#
# One would guess: `object.union` of a registry and a change to it keeps what the change does not name, at every depth.
# OPA's reference calls it a recursive union; policies use it to judge what a PATCH would leave behind.
#
# What happens: regopy merges the topmost members only and takes nested objects whole from the second argument. A PATCH
# that moves the key, {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": ..}}}}, so takes the
# status of the encryption, its identity and the network settings beside it out of the merged registry, and a policy
# says of an encrypted registry that it would not be encrypted any more. The other engine keeps them all. `object.union_n` is as shallow, so the order of defaults and settings does not help.
#
# The same two engines, asked beside it which of two versions of a provider is the newer, disagree as well: by regopy's
# `semver.compare`, 4.10.0 is older than 4.9.0, 10.0.0 older than 9.0.0, and a release older than its own candidate. A
# rule that wants "at least 4.9.0" refuses every release from 4.10 on.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install -q --disable-pip-version-check regopy==1.5.2 opa-eval==0.1.1 >&2

cat > patch.rego <<'REGO'
package patch

import rego.v1

default encrypted_after := false

after := object.union(input.registry, input.change)

encrypted_after if after.properties.encryption.status == "enabled"

seen := {
    "encrypted": encrypted_after,
    "encryption": after.properties.encryption,
    "by_union_n": object.union_n([input.registry, input.change]).properties.encryption,
    "public_network": object.get(after, ["properties", "publicNetworkAccess"], "gone"),
    "newer": [[a, semver.compare(a, b), b] |
        some pair in [["4.10.0", "4.9.0"], ["10.0.0", "9.0.0"], ["4.9.0", "4.8.0"], ["1.0.0", "1.0.0-rc.1"]]
        [a, b] := pair
    ],
}
REGO

cat > ask.py <<'PY'
import json
import opa_eval, regopy

QUESTION = {
    "registry": {"properties": {"publicNetworkAccess": "Disabled", "encryption": {
        "status": "enabled",
        "keyVaultProperties": {"keyIdentifier": "https://v.vault.azure.net/keys/old", "identity": "client"}}}},
    "change": {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": "https://v.vault.azure.net/keys/new"}}}},
}

engine = regopy.Interpreter()
engine.add_module("patch", open("patch.rego").read())
engine.set_input_term(json.dumps(QUESTION))
answers = {"regopy": json.loads(str(engine.query("x = data.patch.seen")))["bindings"]["x"]}
answers["regorus"] = json.loads(opa_eval.OpaEval("patch.rego", query="data.patch.seen").evaluate(json.dumps(QUESTION)))
for name, answer in answers.items():
    for what, value in answer.items():
        if what == "newer":
            for a, sign, b in value:
                print(f"{name}: {a} {'<' if sign < 0 else '>' if sign > 0 else '='} {b}")
        else:
            print(f"{name}: {what} {json.dumps(value, sort_keys=True)}")
PY
env/bin/python ask.py | sort > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
regopy: 1.0.0 < 1.0.0-rc.1
regopy: 10.0.0 < 9.0.0
regopy: 4.10.0 < 4.9.0
regopy: 4.9.0 > 4.8.0
regopy: by_union_n {"keyVaultProperties": {"keyIdentifier": "https://v.vault.azure.net/keys/new"}}
regopy: encrypted false
regopy: encryption {"keyVaultProperties": {"keyIdentifier": "https://v.vault.azure.net/keys/new"}}
regopy: public_network "gone"
regorus: 1.0.0 > 1.0.0-rc.1
regorus: 10.0.0 > 9.0.0
regorus: 4.10.0 > 4.9.0
regorus: 4.9.0 > 4.8.0
regorus: by_union_n {"keyVaultProperties": {"identity": "client", "keyIdentifier": "https://v.vault.azure.net/keys/new"}, "status": "enabled"}
regorus: encrypted true
regorus: encryption {"keyVaultProperties": {"identity": "client", "keyIdentifier": "https://v.vault.azure.net/keys/new"}, "status": "enabled"}
regorus: public_network "Disabled"
OUT
