"""Drives the simulated venues with clients written by others.

    run.py PATH_OF_FUNDING_ARB [PART_OF_A_NAME]

Exit code 0 when every check passed, 1 when one failed. `STRANGERS_TRACE=1` shows where.
"""

import logging
import sys

from harness import Failed, Venue
import suites


def main():
    binary = sys.argv[1]
    only = sys.argv[2] if len(sys.argv) > 2 else None
    # The clients log what they are refused; the checks say what that means.
    logging.disable(logging.CRITICAL)
    total = failed = 0
    for name, group, options in suites.GROUPS:
        if only and not any(only in f"{suite.name}.{check.__name__}" for suite in group for check in suite.checks):
            continue
        try:
            with Venue(binary, *options.get("options", ()), accounts=options.get("accounts")) as venue:
                for suite in group:
                    checks, wrong = suite.run(venue, only)
                    total += checks
                    failed += wrong
        except Failed as error:
            print(f"FAILED {name}: {error}", flush=True)
            failed += 1
    print(f"{total} checks, {failed} failed", flush=True)
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
