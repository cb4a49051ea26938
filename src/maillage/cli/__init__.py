"""The commands. Each answers 0 when all is well, 1 when it found a problem, 2 for a wrong use, 3 when the machine lacks something."""

from __future__ import annotations

import sys

from cyclopts import App

from maillage.cli import data, docs, doctor, serve, tokens
from maillage.cli.output import ENVIRONMENT, NOT_OURS, USAGE, Failure
from maillage.cli.scenario import scenario

app = App(name="maillage", help="Coopération ville-hôpital : adressages, vacations, délais. FHIR R4.", version_flags=["--version"])
app.command(serve.serve, name="serve")
app.command(serve.demo, name="demo")
app.command(tokens.token, name="token")
app.command(scenario, name="scenario")
app.command(doctor.doctor, name="doctor")
app.command(data.migrate, name="migrate")
app.command(data.generate, name="generate")
app.command(data.rerender, name="rerender")
app.command(docs.docs, name="docs")


def main() -> None:
    """Entry point of `maillage`."""
    try:
        result = app(sys.argv[1:], exit_on_error=False, print_error=True)
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
    except NOT_OURS as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        sys.exit(ENVIRONMENT)
    except Exception as error:
        if type(error).__module__.startswith("cyclopts"):
            sys.exit(USAGE)
        raise
    sys.exit(result if isinstance(result, int) else 0)
