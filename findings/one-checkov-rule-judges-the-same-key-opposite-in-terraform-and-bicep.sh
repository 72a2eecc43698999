#!/usr/bin/env bash
# Tool: checkov 3.3.30 (PyPI).
#
# One would guess: a rule with one number and one title says the same of the same key, whichever language it is written
# in. Teams keep one list of rules and waivers by number for Terraform, Bicep and templates alike.
#
# What happens: CKV_AZURE_40, "Ensure that the expiration date is set on all keys", looks at two different things. In
# Terraform it looks at the key's own date and does not know the rotation policy; in Bicep and templates it looks at the
# rotation policy's expiry time and does not know the key's own date. So the verdicts are exchanged:
#   dated    a key with a date of its own, no policy    Terraform passes, Bicep and template fail
#   rotated  a key whose policy lets versions expire    Terraform fails, Bicep and template pass
#   both                                                all pass
# CKV_AZURE_42, "Ensure the key vault is recoverable", differs as well: a vault with purge protection (which Key Vault
# takes only together with soft delete, which is on unless said otherwise) passes in Terraform and fails in the other
# two, until they repeat the default `enableSoftDelete: true`.
# So whoever moves a sound key from Terraform to Bicep gets a red pipeline, with the title saying that a date is missing
# which stands in the file.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install -q --disable-pip-version-check checkov==3.3.30 >&2

mkdir code
cat > code/main.tf <<'TF'
resource "azurerm_key_vault" "vault" {
  name                       = "vault"
  location                   = "westeurope"
  resource_group_name        = "shop"
  tenant_id                  = "00000000-0000-0000-0000-000000000009"
  sku_name                   = "premium"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
}

# Terraform has no word for the default any more; in the other two languages this one repeats it.
resource "azurerm_key_vault" "spoken" {
  name                       = "spoken"
  location                   = "westeurope"
  resource_group_name        = "shop"
  tenant_id                  = "00000000-0000-0000-0000-000000000009"
  sku_name                   = "premium"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
}

resource "azurerm_key_vault_key" "dated" {
  name            = "dated"
  key_vault_id    = azurerm_key_vault.vault.id
  key_type        = "RSA-HSM"
  key_size        = 3072
  key_opts        = ["wrapKey", "unwrapKey"]
  expiration_date = "2028-01-01T00:00:00Z"
}

resource "azurerm_key_vault_key" "rotated" {
  name         = "rotated"
  key_vault_id = azurerm_key_vault.vault.id
  key_type     = "RSA-HSM"
  key_size     = 3072
  key_opts     = ["wrapKey", "unwrapKey"]
  rotation_policy {
    expire_after = "P1Y"
    automatic {
      time_before_expiry = "P30D"
    }
  }
}

resource "azurerm_key_vault_key" "both" {
  name            = "both"
  key_vault_id    = azurerm_key_vault.vault.id
  key_type        = "RSA-HSM"
  key_size        = 3072
  key_opts        = ["wrapKey", "unwrapKey"]
  expiration_date = "2028-01-01T00:00:00Z"
  rotation_policy {
    expire_after = "P1Y"
    automatic {
      time_before_expiry = "P30D"
    }
  }
}
TF

# The template and the Bicep file are written from one description, so that they cannot differ by a slip.
cat > write.py <<'PY'
import json

DATE = {"attributes": {"exp": 1830297600}}  # 2028-01-01T00:00:00Z
POLICY = {"rotationPolicy": {
    "attributes": {"expiryTime": "P1Y"},
    "lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "rotate"}}],
}}
KEYS = {"dated": DATE, "rotated": POLICY, "both": DATE | POLICY}


def vault(name, **more):
    return {"name": name, "location": "westeurope", "properties": {
        "tenantId": "00000000-0000-0000-0000-000000000009", "sku": {"family": "A", "name": "premium"},
        "enableRbacAuthorization": True, "enablePurgeProtection": True} | more}


def key(more):
    return {"kty": "RSA-HSM", "keySize": 3072, "keyOps": ["wrapKey", "unwrapKey"]} | more


def bicep(value, deep=0):
    inner = "  " * (deep + 1)
    if isinstance(value, dict):
        return "{\n" + "".join(f"{inner}{k}: {bicep(v, deep + 1)}\n" for k, v in value.items()) + "  " * deep + "}"
    if isinstance(value, list):
        return "[\n" + "".join(f"{inner}{bicep(v, deep + 1)}\n" for v in value) + "  " * deep + "]"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


resources, text = [], ""
for made in (vault("vault"), vault("spoken", enableSoftDelete=True)):
    resources.append({"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01"} | made)
    text += f"resource {made['name']} 'Microsoft.KeyVault/vaults@2023-07-01' = {bicep(made)}\n\n"
for name, more in KEYS.items():
    resources.append({"type": "Microsoft.KeyVault/vaults/keys", "apiVersion": "2023-07-01", "name": f"vault/{name}",
                      "dependsOn": ["[resourceId('Microsoft.KeyVault/vaults', 'vault')]"], "properties": key(more)})
    body = bicep({"name": name, "properties": key(more)}).replace("{\n", "{\n  parent: vault\n", 1)
    text += f"resource {name} 'Microsoft.KeyVault/vaults/keys@2023-07-01' = {body}\n\n"
open("code/main.bicep", "w").write(text)
json.dump({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
           "contentVersion": "1.0.0.0", "resources": resources}, open("code/template.json", "w"), indent=1)
PY
python3 write.py

env/bin/checkov --directory code --framework terraform bicep arm --check CKV_AZURE_40,CKV_AZURE_42 \
  --skip-download --soft-fail --output json > report.json 2> checkov.log || { cat checkov.log >&2; exit 1; }

cat > tell.py <<'PY'
import json, re

seen = {}
for report in json.load(open("report.json")):
    for check in report["results"]["passed_checks"] + report["results"]["failed_checks"]:
        name = re.split(r"[./]", check["resource"])[-1]
        seen[check["check_id"], name, report["check_type"]] = check["check_result"]["result"].lower()
for rule, name in sorted({(r, n) for r, n, _ in seen}):
    print(rule, name, *(f"{kind}={seen.get((rule, name, kind), 'unseen')}" for kind in ("terraform", "bicep", "arm")))
PY
python3 tell.py > seen.txt
cat seen.txt

diff - seen.txt <<'OUT'
CKV_AZURE_40 both terraform=passed bicep=passed arm=passed
CKV_AZURE_40 dated terraform=passed bicep=failed arm=failed
CKV_AZURE_40 rotated terraform=failed bicep=passed arm=passed
CKV_AZURE_42 spoken terraform=passed bicep=passed arm=passed
CKV_AZURE_42 vault terraform=passed bicep=failed arm=failed
OUT
