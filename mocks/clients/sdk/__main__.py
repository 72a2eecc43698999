"""The life cycle of a registry with a customer-managed key, by the official Python SDKs against azure-sim.

    azure-sim run -- python mocks/clients/sdk

One line a step, then a summary; the exit code is 1 if a step failed. What a step expects is what Azure answers by
docs/azure-rules.md; "ASSUMED" says where that rests on no source.
"""

import sys

import data
import deployments
import features
import groups
import keys
import refusals
import registries
import stage
import vaults

sys.exit(0 if stage.play([groups, vaults, keys, registries, data, features, deployments, refusals]) else 1)
