"""The sandbox: whether every task slot can confine code as strongly as the configuration wants."""

from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.finding import Finding, cause_of, failed, ok, warning
from genetic_udfs.config import Sandbox
from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.stages import check_tier


def reaches_tier(spark: SparkSession, settings: Sandbox) -> Finding:
    """Start the sandbox in every task slot, and attempt in it what no code may do."""
    fix = "docs/sandbox.md says what each tier needs of a kernel and a container"
    try:
        tiers = check_tier(spark, settings)
    except SandboxError as error:
        return failed("sandbox", str(error), fix)
    except Exception as error:
        return failed("sandbox", cause_of(error), fix)
    if len(tiers) > 1:
        places = "; ".join(f"{tier} on {', '.join(hosts)}" for tier, hosts in sorted(tiers.items()))
        return warning(
            "sandbox",
            f"mixed tiers: {places}; tests that need files are decided on some hosts, and unsupported on others",
            "give all hosts one kernel and container (docs/sandbox.md), or set sandbox.least_tier to the strongest",
        )
    return ok("sandbox", f"tier {', '.join(tiers)} in every task slot")
