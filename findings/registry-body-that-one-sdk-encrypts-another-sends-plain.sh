#!/usr/bin/env bash
# Tools: azure-mgmt-containerregistry 14.0.0 and 15.0.0 (PyPI), @azure/arm-containerregistry 12.0.0 (npm).
#
# One would guess: a registry body with an encryption section is sent with that section, or is refused by the client.
# All three are Microsoft's own management clients for the same resource, and all three take a plain object as body.
#
# What happens: there is no plain object that all of them send as an encrypted registry, and none of them objects.
#   flat-snake  members at the top level, as the attributes of the Python models are called. The form in which Python
#               programs passed bodies for years. 14 puts it under `properties` and renames it; 15 sends it as it stands,
#               with `encryption` and `key_vault_properties` at the top level, where the service's schema has nothing.
#   flat-camel  members at the top level, as JavaScript calls them. Both JavaScript and Python 14 send it right, 15 as
#               it stands.
#   rest        the service's own shape, such as a GET, a template or the REST reference gives. Python 14 and 15 send it
#               right; JavaScript drops all of `properties`, and what is left is a valid body of a plain registry.
# A registry's encryption can only be chosen when it is made, so an upgrade of the client from 14 to 15, or a JSON file
# handed from a Python program to a JavaScript one, can end in a registry that has to be made anew. Nothing is sent over
# a network here: each client is given a transport that writes down what it would send.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for version in 14.0.0 15.0.0; do
  python3 -m venv "py-$version"
  "py-$version/bin/pip" install -q --disable-pip-version-check \
    "azure-mgmt-containerregistry==$version" azure-mgmt-core==1.6.0 azure-core==1.41.0 >&2
done
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @azure/arm-containerregistry@12.0.0 >&2

cat > bodies.json <<'JSON'
{
  "flat-snake": {
    "location": "westeurope", "sku": {"name": "Premium"},
    "encryption": {"status": "enabled", "key_vault_properties": {
      "key_identifier": "https://v.vault.azure.net/keys/k", "identity": "00000000-0000-0000-0000-00000000000c"}}
  },
  "flat-camel": {
    "location": "westeurope", "sku": {"name": "Premium"},
    "encryption": {"status": "enabled", "keyVaultProperties": {
      "keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": "00000000-0000-0000-0000-00000000000c"}}
  },
  "rest": {
    "location": "westeurope", "sku": {"name": "Premium"},
    "properties": {"encryption": {"status": "enabled", "keyVaultProperties": {
      "keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": "00000000-0000-0000-0000-00000000000c"}}}
  }
}
JSON

cat > send.py <<'PY'
import json, sys
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.transport import HttpTransport
from azure.mgmt.containerregistry import ContainerRegistryManagementClient


class Login:
    def get_token(self, *scopes, **options):
        return AccessToken("token", 9999999999)

    def get_token_info(self, *scopes, **options):
        return AccessTokenInfo("token", 9999999999)


class Sent(Exception):
    pass


class Notes(HttpTransport):
    def open(self): pass
    def close(self): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass

    def send(self, request, **options):
        raise Sent(request.content if hasattr(request, "content") and request.content else request.body)


client = ContainerRegistryManagementClient(Login(), "00000000-0000-0000-0000-000000000001", transport=Notes())
for name, body in json.load(open("bodies.json")).items():
    try:
        client.registries.begin_create("shop", "contoso1", body)
    except Sent as sent:
        print(f"python {sys.argv[1]} {name} {json.dumps(json.loads(str(sent)), sort_keys=True)}")
PY

cat > send.mjs <<'JS'
import { readFileSync } from "node:fs";
import { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";

const sorted = (v) => v && typeof v === "object" && !Array.isArray(v)
  ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v;
let sent;
const httpClient = { sendRequest: async (request) => { sent = request.body; throw new Error("sent"); } };
const login = { getToken: async () => ({ token: "token", expiresOnTimestamp: Date.now() + 1e7 }) };
const client = new ContainerRegistryManagementClient(login, "00000000-0000-0000-0000-000000000001",
  { httpClient, retryOptions: { maxRetries: 0 } });
for (const [name, body] of Object.entries(JSON.parse(readFileSync("bodies.json", "utf8")))) {
  if (name === "flat-snake") continue; // a form of Python's only
  try { await client.registries.create("shop", "contoso1", body); } catch (e) { if (e.message !== "sent") throw e; }
  console.log(`javascript 12.0.0 ${name} ${JSON.stringify(sorted(JSON.parse(sent)))}`);
}
JS

# One line a body: who sends it, which form it had, and where its encryption is in what is sent.
cat > where.py <<'PY'
import json, sys

def names(value, at=""):
    for k, v in value.items() if isinstance(value, dict) else ():
        yield from names(v, f"{at}.{k}" if at else k)
    if not isinstance(value, dict):
        yield at

for line in sys.stdin:
    who, version, form, body = line.rstrip("\n").split(" ", 3)
    found = [n for n in names(json.loads(body)) if n.lower().endswith("identifier")]
    print(f"{who} {version:<7} {form:<11} {found[0] if found else 'no encryption at all: ' + ','.join(sorted(names(json.loads(body))))}")
PY

{
  "py-14.0.0/bin/python" send.py 14.0.0
  "py-15.0.0/bin/python" send.py 15.0.0
  node send.mjs
} | python3 where.py | sort > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
javascript 12.0.0  flat-camel  properties.encryption.keyVaultProperties.keyIdentifier
javascript 12.0.0  rest        no encryption at all: location,sku.name
python 14.0.0  flat-camel  properties.encryption.keyVaultProperties.keyIdentifier
python 14.0.0  flat-snake  properties.encryption.keyVaultProperties.keyIdentifier
python 14.0.0  rest        properties.encryption.keyVaultProperties.keyIdentifier
python 15.0.0  flat-camel  encryption.keyVaultProperties.keyIdentifier
python 15.0.0  flat-snake  encryption.key_vault_properties.key_identifier
python 15.0.0  rest        properties.encryption.keyVaultProperties.keyIdentifier
OUT
