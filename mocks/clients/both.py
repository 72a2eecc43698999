"""A world that az has changed is seen right by cmk, and the other way round."""

import json
import pathlib
import tempfile

from cli import az, cmk
from play import CLIENT_ID, Play, Wrong, check, let_pass, same

GROUP, ENCRYPTION_USER = "both", "e147488a-f6f5-4113-8e2d-b22465e65bf6"
play = Play("az and cmk")
seen = {}


def newest(vault, key):
    """The version of a key that a versionless reference means."""
    return az("keyvault", "key", "show", "--vault-name", vault, "-n", key)["key"]["kid"]


def in_use(registry):
    return az("acr", "encryption", "show", "-n", registry, "-g", GROUP)["keyVaultProperties"]


@play.step("az creates")
def _():
    az("group", "create", "-n", GROUP, "-l", "westeurope")
    identity = az("identity", "create", "-g", GROUP, "-n", "id-az")
    vault = az("keyvault", "create", "-g", GROUP, "-n", "both-kv-az", "--enable-purge-protection")["id"]
    for role, whom in [(ENCRYPTION_USER, identity["principalId"]), ("Key Vault Crypto Officer", CLIENT_ID)]:
        az("role", "assignment", "create", "--role", role, "--scope", vault, "--assignee", whom)
    let_pass(900)
    key = az("keyvault", "key", "create", "--vault-name", "both-kv-az", "-n", "cmk-az")["key"]["kid"]
    az("acr", "create", "-g", GROUP, "-n", "bothaz", "--sku", "Premium", "--identity", "id-az",
       "--key-encryption-key", key.rsplit("/", 1)[0])
    seen.update(identity=identity, first=key)


@play.step("cmk sees what az created")
def _():
    for through_proxy in [False, True]:
        status = cmk("status", "-n", "bothaz", "-g", GROUP, through_proxy=through_proxy)
        same(status["encryption"]["in_use"], seen["first"], f"in use, by the proxy: {through_proxy}")
    check("bothaz" in json.dumps(cmk("list")), "not listed")
    healthy = cmk("diagnose", "bothaz", "--only", "key-deleted", "--only", "grant-missing")
    same(healthy["verdict"], "healthy")


@play.step("cmk rotates, az shows")
def _():
    cmk("rotate", "-n", "bothaz", "-g", GROUP, "--yes")
    second = newest("both-kv-az", "cmk-az")
    check(second != seen["first"], "no new version")
    same(in_use("bothaz")["versionedKeyIdentifier"], second)
    same(len(az("keyvault", "key", "list-versions", "--vault-name", "both-kv-az", "-n", "cmk-az")), 2, "versions")
    # As against Azure itself: by the proxy, with TLS, and a real login.
    cmk("rotate", "-n", "bothaz", "-g", GROUP, "--yes", through_proxy=True)
    third = newest("both-kv-az", "cmk-az")
    same(in_use("bothaz")["versionedKeyIdentifier"], third)


@play.step("cmk creates, az shows")
def _():
    cmk("create", "-g", GROUP, "-n", "bothcmk", "-l", "westeurope", "--yes",
        "--accept", "encryption", "--accept", "purge-protection")
    shown = az("acr", "show", "-n", "bothcmk")
    same((shown["encryption"]["status"], shown["sku"]["name"]), ("enabled", "Premium"))
    seen["key"] = shown["encryption"]["keyVaultProperties"]["keyIdentifier"]
    seen["vault"] = seen["key"].split("/")[2].split(".")[0]
    same(az("keyvault", "show", "-n", seen["vault"])["properties"]["enablePurgeProtection"], True)
    seen["client"] = shown["encryption"]["keyVaultProperties"]["identity"]


@play.step("az rotates, cmk shows")
def _():
    vault = az("keyvault", "show", "-n", seen["vault"])["id"]
    az("role", "assignment", "create", "--role", "Key Vault Crypto Officer", "--scope", vault, "--assignee", CLIENT_ID)
    let_pass(900)
    name = seen["key"].split("/")[4]
    made = az("keyvault", "key", "create", "--vault-name", seen["vault"], "-n", name)["key"]["kid"]
    az("acr", "encryption", "rotate-key", "-n", "bothcmk", "--key-encryption-key", made, "--identity", seen["client"])
    status = cmk("status", "-n", "bothcmk", "-g", GROUP)
    same(status["encryption"]["in_use"], made, "in use")


@play.step("az deletes a key, cmk says so and gets it back, az shows it")
def _():
    name = seen["key"].split("/")[4]
    az("keyvault", "key", "delete", "--vault-name", seen["vault"], "-n", name)
    let_pass(7200)
    found = cmk("diagnose", "bothcmk", "--only", "key", code=1)["findings"]
    same(found[0]["code"], "key-deleted", "the first finding")
    cmk("recover", "-n", "bothcmk", "-g", GROUP, "--yes")
    check(newest(seen["vault"], name), "not there")
    let_pass(7200)
    cmk("diagnose", "bothcmk", "--only", "key-deleted")


@play.step("cmk emits a template, az deploys it")
def _():
    with tempfile.TemporaryDirectory() as directory:
        order = ("template", "-g", GROUP, "-n", "bothtpl", "-l", "westeurope")
        template, parameters = pathlib.Path(directory, "cmk.json"), pathlib.Path(directory, "with.json")
        template.write_text(json.dumps(cmk(*order)))
        parameters.write_text(json.dumps(cmk(*order, "--parameters")))
        line = ("-g", GROUP, "--template-file", template, "--parameters", f"@{parameters}")
        try:
            az("deployment", "group", "create", *line)
        except Wrong as young:
            # The grant that the template makes is younger than the registry's first use of it; so it is on Azure.
            check("Failed to access" in str(young), young)
            let_pass(900)
        done = az("deployment", "group", "create", *line)["properties"]
        same(done["provisioningState"], "Succeeded")
    same(az("acr", "show", "-n", "bothtpl")["encryption"]["status"], "enabled")
    status = cmk("status", "-n", "bothtpl", "-g", GROUP)
    check(status["encryption"]["in_use"], status)


play.end()
