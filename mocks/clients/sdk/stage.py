"""What the chapters stand on: the steps, the simulator's own door, and SDK clients whose waiting is simulated time."""

import base64
import json
import logging
import os
import time
import traceback
import urllib.request

from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient

GROUP = "sdk-shop"
PLACE = "westeurope"
CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
CRYPTO_SERVICE_ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
ARM_SCOPE = "https://management.azure.com/.default"


class Simulator:
    """The control API of the azure-sim that is the proxy."""

    def __init__(self):
        self.url = os.environ["HTTPS_PROXY"].rstrip("/")
        self.open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with self.open(urllib.request.Request(f"{self.url}/_sim/{path}", data=data, method=method)) as answer:
            return json.load(answer)

    def advance(self, seconds):
        self.ask("POST", "clock/advance", {"seconds": seconds})

    def fault(self, method, path_contains, what, **when):
        """The next request that matches, unless `when` has more of them, goes wrong in this way."""
        matching = {"method": method, "path_contains": path_contains}
        self.ask("PUT", "faults", [{"when": {"among": {"matching": matching}, **when}, "what": what}])

    def no_faults(self):
        return self.ask("DELETE", "faults")


class SimulatedTime(RequestsTransport):
    """The SDKs' usual transport, whose pauses (polls, retries) pass on the simulator's clock."""

    def __init__(self, simulator):
        super().__init__()
        self.simulator = simulator
        self.slept = []

    def sleep(self, duration):
        self.slept.append(duration)
        self.simulator.advance(duration)


class Stage:
    """Clients of one subscription, and what earlier steps leave to later ones (any attribute)."""

    def __init__(self):
        self.simulator = Simulator()
        self.subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
        self.tenant = os.environ["AZURE_TENANT_ID"]
        self.credential = ClientSecretCredential(
            self.tenant, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
        )
        self.group_id = f"/subscriptions/{self.subscription}/resourceGroups/{GROUP}"
        self.resources = self.arm(ResourceManagementClient)
        self.deployments = self.arm(DeploymentsMgmtClient)
        self.locks = self.arm(ManagementLockClient)
        self.identities = self.arm(ManagedServiceIdentityClient).user_assigned_identities
        self.authorization = self.arm(AuthorizationManagementClient)
        self.keyvault = self.arm(KeyVaultManagementClient)
        self.vaults = self.keyvault.vaults
        self.registries = self.arm(ContainerRegistryManagementClient).registries

    def transport(self):
        return SimulatedTime(self.simulator)

    def arm(self, client, credential=None, **options):
        options.setdefault("transport", self.transport())
        return client(credential or self.credential, self.subscription, **options)

    def keys(self, vault, credential=None):
        url = f"https://{vault}.vault.azure.net"
        return KeyClient(url, credential or self.credential, transport=self.transport())

    def crypto(self, key, credential=None):
        return CryptographyClient(key, credential or self.credential, transport=self.transport())

    def content(self, registry, credential=None, audience="https://management.azure.com"):
        return ContainerRegistryClient(
            f"https://{registry}.azurecr.io",
            credential or self.credential,
            audience=audience,
            transport=self.transport(),
        )

    def nobody(self, registry):
        return ContainerRegistryClient(f"https://{registry}.azurecr.io", transport=self.transport())

    def claims(self, credential=None, scope=ARM_SCOPE):
        """What the token of a credential says."""
        part = (credential or self.credential).get_token(scope).token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def grant(self, scope, role, principal, name):
        """A role for a principal, by the assignment's name."""
        role = f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        told = {"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}}
        return self.authorization.role_assignments.create(scope, name, told)


def refused(kind, status, code, call, *arguments, says=(), **named):
    """Makes the call and wants this exception of it, with this status and code and these words in its message.

    A status or code of ... stands for any: Azure's is not known.
    """
    try:
        answer = call(*arguments, **named)
        if hasattr(answer, "result"):
            answer = answer.result()
        elif hasattr(answer, "by_page"):
            answer = list(answer)
    except HttpResponseError as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        assert status is ... or error.status_code == status, f"status {error.status_code} instead of {status}: {error}"
        told = error.error.code if error.error else None
        assert code is ... or told == code, f"code {told!r} instead of {code!r}: {error}"
        for words in says:
            assert words in str(error), f"{words!r} is not in: {error}"
        return error
    raise AssertionError(f"was not refused: {answer}")


def is_(got, wanted):
    """Equal and of the same kind."""
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def same_id(got, wanted):
    """Resource ids go without regard to case (R-ARM-22)."""
    assert got is not None and got.lower() == wanted.lower(), f"{got!r} instead of {wanted!r}"


def play(chapters):
    """Carries the steps of all chapters out, in the order in which they are written. True if all went well."""
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # Refusals are wanted here.
    stage, done, failed, began = Stage(), 0, [], time.monotonic()
    for chapter in chapters:
        topic = chapter.__name__.rpartition(".")[2]
        for name, step in list(vars(chapter).items()):
            if not getattr(step, "is_step", False):
                continue
            name = f"{topic}: {step.__doc__}"
            try:
                step(stage)
                done += 1
                print(f"ok {name}", flush=True)
            except Exception as error:  # A step may fail in any way; the others go on.
                where = traceback.extract_tb(error.__traceback__)
                line = next((f.lineno for f in reversed(where) if f.filename == chapter.__file__), "?")
                what = f"{type(error).__name__}: {error}".strip().replace("\n", " | ")
                failed.append(name)
                print(f"FAILED {name}: {what} ({topic}.py:{line})", flush=True)
            finally:
                stage.simulator.no_faults()
    print(f"{done} ok, {len(failed)} failed, {time.monotonic() - began:.1f} s")
    return not failed


def step(function):
    """Marks a function as a step; its name to the reader is its docstring."""
    function.is_step = True
    return function
