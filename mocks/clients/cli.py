"""The commands of a terminal: az, and ours."""

import json
import os
import re

from play import SIMULATOR, SUBSCRIPTION, Wrong, check, program

AZ = os.environ.get("CMK_AZ", "az")
CMK = os.environ.get("CMK_CMK", "cmk")


def az_raw(*line, env=None):
    """Its exit code, stdout and stderr."""
    return program(AZ, *line, env=env)


def az(*line, env=None):
    """What a command prints, as JSON; a refusal is Wrong."""
    code, out, err = az_raw(*line, "--output", "json", env=env)
    if code:
        raise Wrong(f"az {' '.join(map(str, line))} ended with {code}: {err.strip()[-1500:]}")
    return json.loads(out) if out.strip() else None


def refused(*line, says, env=None):
    """A command that has to fail, and what it has to say for that (a regular expression)."""
    code, out, err = az_raw(*line, env=env)
    check(code != 0, f"az {' '.join(map(str, line))} succeeded: {out[:500]}")
    check("Traceback" not in err, f"az crashed: {err[-1500:]}")
    check(re.search(says, err, re.IGNORECASE | re.DOTALL), f"az says {err.strip()[-1500:]!r}, and not /{says}/")
    return err


def cmk(*line, code=0, through_proxy=False):
    """What our command prints, as JSON. It talks to the simulator as such, or by the proxy as to Azure itself."""
    where = ("--auth", "env") if through_proxy else ("--simulator", SIMULATOR)
    words = (*line, *where, "--subscription", SUBSCRIPTION, "--output", "json", "--quiet")
    ended, out, err = program(CMK, *words)
    if ended != code:
        raise Wrong(f"cmk {' '.join(map(str, line))} ended with {ended}, not {code}: {out[-600:]}{err.strip()[-1500:]}")
    return json.loads(out) if out.strip() else None
