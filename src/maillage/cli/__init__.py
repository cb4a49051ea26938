"""The commands. Each answers 0 when all is well, 1 when it found a problem, 2 for a wrong use, 3 when the machine lacks something.

A command is named by its path and imported when it is typed: `maillage --help` reads no room, no database driver, no web library.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.resources import files

from cyclopts import App

from maillage.cli.status import ENVIRONMENT, USAGE, Failure

COMMANDS = {
    "serve": "serve:serve",
    "demo": "serve:demo",
    "account": "accounts:account",
    "token": "tokens:token",  # nosec B105  # where the command is, not a secret
    "client": "clients:client",
    "peer": "peers:peer",
    "scenario": "scenario:scenario",
    "doctor": "doctor:doctor",
    "migrate": "migrate:migrate",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "audit": "audit:audit",
    "documents": "documents:documents",
    "import": "imports:import_",
    "generate": "generate:generate",
    "rerender": "rerender:rerender",
    "package": "package:package",
    "docs": "docs:docs",
    "simulate": "simulate:simulate",
    "calibrate": "calibrate:calibrate",
    "forecast": "forecast:forecast",
    "plan": "plan:plan",
}
"""Word -> module and function."""


def _help_of(path: str) -> str:
    """The docstring of a command, read without importing it."""
    module, _, name = path.partition(":")
    root = files(__package__)
    file = root.joinpath(f"{module}.py")
    source = (file if file.is_file() else root.joinpath(module, "__init__.py")).read_text(encoding="utf-8")
    functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name)
    return next((ast.get_docstring(node) or "" for node in functions), "")


app = App(name="maillage", help="Coopération ville-hôpital : adressages, vacations, délais. FHIR R4.", version_flags=["--version"])
for _name, _path in COMMANDS.items():
    app.command(f"maillage.cli.{_path}", name=_name, help=_help_of(_path))


def main() -> None:
    """Entry point of `maillage`."""
    try:
        result = app(sys.argv[1:], exit_on_error=False, print_error=True)
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.status)
    except Exception as error:
        if type(error).__module__.startswith("cyclopts"):
            sys.exit(USAGE)
        if isinstance(error, _not_ours()):
            print(str(error) or type(error).__name__, file=sys.stderr)
            sys.exit(ENVIRONMENT)
        raise
    sys.exit(result if isinstance(result, int) else 0)


def _not_ours() -> tuple[type[Exception], ...]:
    """What the machine lacks, told apart only once something went wrong: the list names errors of the store."""
    found: tuple[type[Exception], ...] = import_module("maillage.cli.output").NOT_OURS
    return found
