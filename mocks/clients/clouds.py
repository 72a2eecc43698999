"""The short way to a registry with a customer-managed key by az, in whichever cloud the simulator is."""

import urllib.error
import urllib.request

from cli import az
from play import CLIENT_ID, Play, check, let_pass, same

GROUP = "clouds"
play = Play("az in another cloud")
seen = {}


@play.step("az is in the simulator's cloud")
def _():
    cloud = az("cloud", "show")
    same(cloud["name"], az("account", "show")["environmentName"])
    seen["vaults"], seen["registries"] = cloud["suffixes"]["keyvaultDns"], cloud["suffixes"]["acrLoginServerEndpoint"]
    check(not seen["registries"].endswith(".io"), "this is the public cloud")
    seen["region"] = az("account", "list-locations")[0]["name"]
    print(f"       {cloud['name']}, {seen['region']}")


@play.step("group, identity, vault, grants, key")
def _():
    az("group", "create", "-n", GROUP, "-l", seen["region"])
    identity = az("identity", "create", "-g", GROUP, "-n", "id-clouds")
    vault = az("keyvault", "create", "-g", GROUP, "-n", "clouds-kv", "--enable-purge-protection")
    same(vault["properties"]["vaultUri"], f"https://clouds-kv{seen['vaults']}/")
    for role, whom in [("Key Vault Crypto Service Encryption User", identity["principalId"]),
                       ("Key Vault Crypto Officer", CLIENT_ID)]:
        az("role", "assignment", "create", "--role", role, "--scope", vault["id"], "--assignee", whom)
    let_pass(900)
    seen["kid"] = az("keyvault", "key", "create", "--vault-name", "clouds-kv", "-n", "key")["key"]["kid"]
    check(seen["vaults"] in seen["kid"], seen["kid"])


@play.step("registry, rotation, login")
def _():
    made = az("acr", "create", "-g", GROUP, "-n", "cloudsacr", "--sku", "Premium", "--identity", "id-clouds",
              "--key-encryption-key", seen["kid"])
    same(made["loginServer"], f"cloudsacr{seen['registries']}")
    az("acr", "encryption", "rotate-key", "-n", "cloudsacr", "--key-encryption-key", seen["kid"].rsplit("/", 1)[0],
       "--identity", "id-clouds")
    same(az("acr", "encryption", "show", "-n", "cloudsacr")["keyVaultProperties"]["versionedKeyIdentifier"], seen["kid"])
    same(az("acr", "login", "-n", "cloudsacr", "--expose-token")["loginServer"], made["loginServer"])


@play.step("hosts of the public cloud are none of this one's")
def _():
    try:
        urllib.request.urlopen("https://management.azure.com/metadata/endpoints?api-version=2022-09-01", timeout=30)
    except urllib.error.URLError as error:
        check("403" in str(error.reason), error)
    else:
        check(False, "it was answered")


play.end()
