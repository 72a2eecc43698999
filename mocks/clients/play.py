"""What the plays of real clients share: a step is told when it comes out as a user of the client expects."""

import json
import os
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request

# The simulator is the proxy that `azure-sim run` has put into the environment.
SIMULATOR = os.environ["HTTPS_PROXY"]
SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
TENANT = os.environ["AZURE_TENANT_ID"]
CLIENT_ID = os.environ["AZURE_CLIENT_ID"]
CLIENT_SECRET = os.environ["AZURE_CLIENT_SECRET"]


class Wrong(Exception):
    """A step came out otherwise than expected."""


def check(holds, what):
    """Like assert, which -O would take away."""
    if not holds:
        raise Wrong(what)


def same(found, expected, what="found"):
    """Both sides are equal."""
    check(found == expected, f"{what}: {found!r}, expected {expected!r}")


def control(method, path, body=None):
    """One request to the simulator's control API; its JSON."""
    request = urllib.request.Request(
        f"{SIMULATOR}/_sim/{path}", method=method, data=None if body is None else json.dumps(body).encode()
    )
    # Never by a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise Wrong(f"the simulator answers {method} {path} with {error.code}: {error.read()[:300]}") from error


def let_pass(seconds):
    """Simulated time passes."""
    control("POST", "clock/advance", {"seconds": seconds})


class Play:
    """Steps in their order. A step that fails does not end the play: what depends on it fails as well."""

    def __init__(self, title):
        self.title, self.passed, self.failed, self.skipped = title, 0, [], []

    def step(self, name):
        """Decorates a function without arguments, and runs it at once."""

        def run(function):
            began = time.monotonic()
            try:
                function()
            except Wrong as wrong:
                self.failed.append(name)
                print(f"FAILED {name}: {wrong}", flush=True)
            except Exception:
                self.failed.append(name)
                print(f"FAILED {name}:\n{traceback.format_exc()}", flush=True)
            else:
                self.passed += 1
                print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)
            return function

        return run

    def skip(self, name, why):
        """A step that cannot be taken here."""
        self.skipped.append(name)
        print(f"skipped {name}: {why}", flush=True)

    def end(self):
        """Says how it went, and ends the program."""
        print(f"{self.title}: {self.passed} as expected, {len(self.failed)} not, {len(self.skipped)} skipped")
        for name in self.failed:
            print(f"  not as expected: {name}")
        sys.exit(1 if self.failed or not self.passed else 0)


def program(*line, env=None, timeout=180):
    """Runs a program: its exit code, stdout and stderr."""
    done = subprocess.run(
        [str(word) for word in line],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr
