#!/usr/bin/env bash
# Tools: azure-keyvault-keys 4.11.3 (PyPI), @azure/keyvault-keys 4.10.2 (npm).
#
# One would guess: `update_key_rotation_policy(name, policy, lifetime_actions=[])` sends the policy with no actions,
# which is how automatic rotation is switched off. The documentation says of both options, `lifetime_actions` and
# `expires_in`, that they override what the given policy says.
#
# What happens: the Python client takes an empty override for none. It asks the vault to store the policy's old actions
# again and raises nothing, so that the vault goes on making key versions by itself. The same holds for the other option:
# an empty `expires_in` sends the old one. The JavaScript client, told the same, sends an empty list.
# And the other way round: given a new policy that only says how long versions live, Python sends an empty list of
# actions, which is an order to have none, where JavaScript leaves them out. A list that nobody gave empties the policy,
# and a list that somebody emptied does not.
# An operator who must freeze a key on one version, say until a restore is through, has not frozen it. What does work in
# Python: `policy.lifetime_actions = []`, and then the call without the option.
#
# The transports here answer by themselves; nothing is sent over a network.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install -q --disable-pip-version-check azure-keyvault-keys==4.11.3 azure-core==1.41.0 requests==2.34.2 >&2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @azure/keyvault-keys@4.10.2 >&2

cat > policy.json <<'JSON'
{
  "id": "https://v.vault.azure.net/keys/k/rotationpolicy",
  "lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}],
  "attributes": {"expiryTime": "P1Y", "created": 1790000000, "updated": 1790000000}
}
JSON

cat > ask.py <<'PY'
import io, json
import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse
from azure.keyvault.keys import KeyClient, KeyRotationPolicy


class Login:
    def get_token(self, *scopes, **options):
        return AccessToken("token", 9999999999)


class Vault(RequestsTransport):
    """Asks for a login once, answers with the policy, and keeps what it was last told to store."""

    stored = None

    def send(self, request, **options):
        answer = requests.Response()
        if "Authorization" not in request.headers:
            answer.status_code = 401
            answer.headers["WWW-Authenticate"] = 'Bearer authorization="https://login.example/t", resource="https://vault.azure.net"'
            answer.raw = io.BytesIO(b"{}")
        else:
            if request.method == "PUT":
                Vault.stored = json.loads(request.content)
            answer.status_code = 200
            answer.headers["Content-Type"] = "application/json"
            answer.raw = io.BytesIO(open("policy.json", "rb").read())
        return RestRequestsTransportResponse(request=request, internal_response=answer)


client = KeyClient("https://v.vault.azure.net", Login(), transport=Vault())
policy = client.get_key_rotation_policy("k")


def tell(what):
    actions = Vault.stored.get("lifetimeActions", "left out")
    actions = actions if isinstance(actions, str) else [a["action"]["type"] for a in actions]
    print(f"python: {what}: actions {actions}, expiry {Vault.stored['attributes'].get('expiryTime', 'left out')}")


client.update_key_rotation_policy("k", policy, lifetime_actions=[])
tell("lifetime_actions=[]")
client.update_key_rotation_policy("k", policy, expires_in="")
tell("expires_in=''")
client.update_key_rotation_policy("k", KeyRotationPolicy(), expires_in="P90D")
tell("a new policy with an expiry only")
policy.lifetime_actions = []
client.update_key_rotation_policy("k", policy)
tell("emptied in the policy itself")
PY

cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { KeyClient } from "@azure/keyvault-keys";

let stored;
const headers = (of) => ({
  get: (name) => of[name.toLowerCase()], has: (name) => name.toLowerCase() in of, set() {}, delete() {},
  toJSON: () => of, [Symbol.iterator]: () => Object.entries(of)[Symbol.iterator](),
});
const httpClient = { sendRequest: async (request) => {
  if (!request.headers.get("authorization")) return { request, status: 401, bodyAsText: "{}", headers: headers({
    "www-authenticate": 'Bearer authorization="https://login.example/t", resource="https://vault.azure.net"' }) };
  if (request.method === "PUT") stored = JSON.parse(request.body);
  return { request, status: 200, bodyAsText: readFileSync("policy.json", "utf8"), headers: headers({ "content-type": "application/json" }) };
} };
const login = { getToken: async () => ({ token: "token", expiresOnTimestamp: Date.now() + 1e7 }) };
const client = new KeyClient("https://v.vault.azure.net", login, { httpClient });
const policy = await client.getKeyRotationPolicy("k");
const tell = (what) => {
  const actions = stored.lifetimeActions ? `[${stored.lifetimeActions.map((a) => `'${a.action.type}'`)}]` : "left out";
  console.log(`javascript: ${what}: actions ${actions}, expiry ${stored.attributes.expiryTime ?? "left out"}`);
};

await client.updateKeyRotationPolicy("k", { ...policy, lifetimeActions: [] });
tell("lifetimeActions: []");
await client.updateKeyRotationPolicy("k", { expiresIn: "P90D" });
tell("a new policy with an expiry only");
JS

{ env/bin/python ask.py; node ask.mjs; } > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
python: lifetime_actions=[]: actions ['Rotate'], expiry P1Y
python: expires_in='': actions ['Rotate'], expiry P1Y
python: a new policy with an expiry only: actions [], expiry P90D
python: emptied in the policy itself: actions [], expiry P1Y
javascript: lifetimeActions: []: actions [], expiry P1Y
javascript: a new policy with an expiry only: actions left out, expiry P90D
OUT
