// The life cycle of a registry with a customer-managed key, in brief, by the official SDKs for JavaScript against
// azure-sim:
//
//     npm install --prefix mocks/clients && azure-sim run -- node mocks/clients/sdk.mjs
//
// One line a step, then a summary; the exit code is 1 if a step failed.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential, EnvironmentCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const { AZURE_SUBSCRIPTION_ID: subscription, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = process.env;
const simulator = process.env.HTTPS_PROXY;
const group = "js-shop", location = "westeurope", vault = "kv-js-shop", registry = "jsshop";
const CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";
const CRYPTO_SERVICE_ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

const credential = new EnvironmentCredential();
const resources = new ResourceManagementClient(credential, subscription);
const identities = new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities;
const vaults = new KeyVaultManagementClient(credential, subscription).vaults;
const assignments = new AuthorizationManagementClient(credential, subscription).roleAssignments;
const registries = new ContainerRegistryManagementClient(credential, subscription).registries;
const keys = new KeyClient(`https://${vault}.vault.azure.net`, credential);
const often = { updateIntervalInMs: 50, intervalInMs: 50 };

async function advance(seconds) {
  const answer = await fetch(`${simulator}/_sim/clock/advance`, { method: "POST", body: JSON.stringify({ seconds }) });
  assert.equal(answer.status, 200);
}

/** Lets simulated time pass until this has come. */
async function soon(promise) {
  let over = false;
  const end = () => { over = true; };
  promise.then(end, end);
  while (!over) {
    await advance(5);
    await new Promise((resume) => setTimeout(resume, 50));
  }
  return promise;
}

function encryption(key, identity) {
  return { status: "enabled", keyVaultProperties: { keyIdentifier: key, identity } };
}

function grant(scope, role, principalId, name = randomUUID()) {
  const roleDefinitionId = `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  return assignments.create(scope, name, { roleDefinitionId, principalId, principalType: "ServicePrincipal" });
}

async function collect(pages) {
  const all = [];
  for await (const one of pages) all.push(one);
  return all;
}

/** Wants this status and code. */
async function refused(statusCode, code, call) {
  const error = await call().then((answer) => assert.fail(`was not refused: ${JSON.stringify(answer)}`), (e) => e);
  if (error instanceof assert.AssertionError) throw error;
  assert.deepEqual([error.statusCode, error.code], [statusCode, code], error.message);
  return error;
}

let operator, identity, vaultId, first, second;

const steps = {
  async "a client secret gives a token, a wrong one does not"() {
    const { token, expiresOnTimestamp } = await credential.getToken("https://management.azure.com/.default");
    assert.ok(expiresOnTimestamp > Date.now());
    operator = JSON.parse(Buffer.from(token.split(".")[1], "base64url")).oid;
    const wrong = new ClientSecretCredential(tenant, client, "no-such-secret");
    await assert.rejects(wrong.getToken("https://management.azure.com/.default"), /AADSTS7000215/);
  },
  async "a group and an identity are made"() {
    assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
    const made = await resources.resourceGroups.createOrUpdate(group, { location });
    assert.deepEqual([made.name, made.location, made.properties.provisioningState], [group, location, "Succeeded"]);
    identity = await identities.createOrUpdate(group, "id-one", { location });
    assert.deepEqual([identity.name, identity.tenantId], ["id-one", tenant]);
    assert.notEqual(identity.principalId, identity.clientId);
  },
  async "a vault that goes by roles is made, and roles granted, once"() {
    const properties = {
      tenantId: tenant, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true, enablePurgeProtection: true,
    };
    const made = await soon(vaults.createOrUpdate(group, vault, { location, properties }, often));
    assert.equal(made.properties.vaultUri, `https://${vault}.vault.azure.net/`);
    assert.equal(made.properties.enableRbacAuthorization, true);
    assert.ok(made.systemData.createdAt instanceof Date);
    vaultId = made.id;
    assert.equal((await grant(vaultId, CRYPTO_OFFICER, operator)).principalId, operator);
    await grant(vaultId, CRYPTO_SERVICE_ENCRYPTION_USER, identity.principalId);
    await refused(409, "RoleAssignmentExists", () => grant(vaultId, CRYPTO_OFFICER, operator));
    await advance(900);
  },
  async "a key is made, used and rotated"() {
    const made = await keys.createRsaKey("cmk", { keySize: 3072 });
    assert.deepEqual([made.name, made.keyType, made.properties.enabled], ["cmk", "RSA", true]);
    assert.ok(made.properties.createdOn instanceof Date);
    assert.equal(made.key.n.length, 384);
    const crypto = new CryptographyClient(made, credential);
    const secret = Buffer.from("data key");
    const wrapped = await crypto.wrapKey("RSA-OAEP", secret);
    assert.deepEqual(Buffer.from((await crypto.unwrapKey("RSA-OAEP", wrapped.result)).result), secret);
    await advance(5);
    const rotated = await keys.rotateKey("cmk");
    [first, second] = [made.properties.version, rotated.properties.version];
    const found = await collect(keys.listPropertiesOfKeyVersions("cmk"));
    assert.deepEqual(new Set(found.map((v) => v.version)), new Set([first, second]));
    await refused(404, "KeyNotFound", () => keys.getKey("none"));
  },
  async "a registry with this key is made"() {
    const key = `https://${vault}.vault.azure.net/keys/cmk/${first}`;
    const made = await soon(registries.create(group, registry, {
      location,
      sku: { name: "Premium" },
      identity: { type: "UserAssigned", userAssignedIdentities: { [identity.id]: {} } },
      encryption: encryption(key, identity.clientId),
    }, often));
    const { provisioningState, loginServer, creationDate } = made;
    assert.deepEqual([provisioningState, loginServer], ["Succeeded", `${registry}.azurecr.io`]);
    assert.ok(creationDate instanceof Date);
  },
  async "it is rotated to a new version, and to follow the key"() {
    for (const [key, follows] of [[`cmk/${second}`, false], ["cmk", true]]) {
      const id = `https://${vault}.vault.azure.net/keys/${key}`;
      await soon(registries.update(group, registry, { encryption: encryption(id, identity.clientId) }, often));
      const shown = await registries.get(group, registry);
      const { status, keyVaultProperties: kv } = shown.encryption;
      assert.deepEqual([status, kv.keyIdentifier, kv.keyRotationEnabled], ["enabled", id, follows]);
      assert.ok(kv.versionedKeyIdentifier.endsWith(`/cmk/${second}`));
      assert.ok(kv.lastKeyRotationTimestamp instanceof Date);
    }
  },
  async "a key that is not there, and a name that is taken, are refused"() {
    const none = { encryption: encryption(`https://${vault}.vault.azure.net/keys/none`, identity.clientId) };
    await assert.rejects(soon(registries.update(group, registry, none, often)), /Failed to access KeyId/);
    await resources.resourceGroups.createOrUpdate("js-other", { location });
    const plain = { location, sku: { name: "Basic" } };
    await refused(409, "AlreadyInUse", async () => await registries.create("js-other", registry, plain, often));
  },
  async "the key is deleted and recovered"() {
    await soon(keys.beginDeleteKey("cmk", often).then((poller) => poller.pollUntilDone()));
    assert.deepEqual((await collect(keys.listDeletedKeys())).map((k) => k.name), ["cmk"]);
    await soon(keys.beginRecoverDeletedKey("cmk", often).then((poller) => poller.pollUntilDone()));
    assert.equal((await keys.getKey("cmk")).properties.version, second);
  },
  async "the registry is listed and deleted"() {
    await advance(60);
    assert.deepEqual((await collect(registries.list())).map((r) => r.name), [registry]);
    await soon(registries.delete(group, registry, often));
    await refused(404, "ResourceNotFound", () => registries.get(group, registry));
  },
};

const began = Date.now();
let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok js: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED js: ${name}: ${String(error.message ?? error).replaceAll("\n", " | ")}`);
  }
}
console.log(`${Object.keys(steps).length - failed} ok, ${failed} failed, ${((Date.now() - began) / 1000).toFixed(1)} s`);
process.exitCode = failed ? 1 : 0;
