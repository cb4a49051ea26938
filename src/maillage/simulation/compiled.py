"""One way to compile: machine code written once as object files, no Python lock, no reordering of floating point.

`python -m maillage.simulation` writes the files at set-up, beside the sources, or in the user's cache folder when the installation is read-only; where
neither can be written, code is compiled at each start. Whoever runs it later links the files and calls them by their address: numba, which takes a
second to import and seventy megabytes, is loaded only where something must be compiled (`building`).

Compiled code makes no array and keeps none: it counts no references, which costs more than the work itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import version as installed
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")
SOURCES: Final = (
    "compiled", "building", "steps", "assembly", "draws", "quantiles", "filling", "memory", "engine", "timers", "queues", "shifts", "zones",
    "arrivals", "areas", "counting",
)  # fmt: skip
"""The files whose text decides the machine code: functions, and the constants that are built into them."""
RESULTS: Final[dict[str, Any]] = {"float64": ctypes.c_double, "int64": ctypes.c_int64, "none": ctypes.c_int64}
_LINKING = threading.Lock()


@cache
def digest() -> str:
    """A hash of the sources of compiled code and of what made it: a change in any makes every object file stale."""
    import llvmlite.binding as llvm  # noqa: PLC0415  # seventy megabytes that only those who compute pay

    folder = files("maillage.simulation")
    found = [folder.joinpath(f"{name}.py").read_bytes() for name in SOURCES]
    machine = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), sys.version, installed("numba"), installed("llvmlite"))
    return hashlib.sha256(b"\0".join([*found, *(each.encode() for each in machine)])).hexdigest()[:16]


@cache
def version() -> str:
    """A hash of everything that a figure depends on but the scenario and the seed: the sources, words and pathways of this package."""
    folder = files("maillage.simulation")
    found = sorted((item.name, item.read_bytes()) for item in folder.iterdir() if item.name.endswith((".py", ".csv")))
    found += sorted((item.name, item.read_bytes()) for item in folder.joinpath("model").iterdir() if item.is_file())
    return hashlib.sha256(b"\0".join(name.encode() + b"\0" + text for name, text in found)).hexdigest()[:16]


def folders() -> tuple[Path, Path]:
    """Where object files may lie: beside the sources, or in the user's cache."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(__file__).parent / "__pycache__", user / "maillage" / "simulation"


class Part(Generic[P, T]):
    """A part of a compiled function, written apart to be read: it is put back where it is called. As it stands, plain Python."""

    def __init__(self, function: Callable[P, T]) -> None:
        self.function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it as Python, which tests of a single part may want."""
        return self.function(*args, **kwargs)


class Compiled(Part[P, T]):
    """A function whose machine code is called; one object file for each kind of arguments."""

    def __init__(self, function: Callable[P, T]) -> None:
        super().__init__(function)
        self._known: dict[Any, tuple[Any, Any]] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: ARG002  # a signature names both; arguments have places, not names
        """Call the machine code, beside other threads."""
        kinds, flat = tuple(kind_of(value) for value in args), list[Any]()
        for value in args:
            flatten(value, flat)
        call, result = self._known.get(kinds) or self._link(kinds)
        found, trouble = result(), ctypes.c_void_p()
        if call(ctypes.byref(found), ctypes.byref(trouble), *flat):
            raise RuntimeError(f"{self.function.__name__}: compiled code failed")
        answer: T = found.value
        return answer

    def _link(self, kinds: tuple[Any, ...]) -> tuple[Any, Any]:
        with _LINKING:
            if kinds not in self._known:
                symbol, result, code = self._code(kinds)
                types = [ctypes.c_void_p, ctypes.c_void_p, *(each for kind in kinds for each in _arguments(kind))]
                self._known[kinds] = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(_address(symbol, code)), RESULTS[result]
            return self._known[kinds]

    def _code(self, kinds: tuple[Any, ...]) -> tuple[str, str, bytes]:
        """From its file, or compiled and kept in one."""
        name = f"{digest()}.{self.function.__name__}.{hashlib.sha256(repr(kinds).encode()).hexdigest()[:12]}.o"
        for folder in folders():
            if (folder / name).is_file():
                symbol, result, code = (folder / name).read_bytes().split(b"\n", 2)
                return symbol.decode(), result.decode(), code
        from maillage.simulation import building  # noqa: PLC0415  # loads numba

        made = building.machine_code(self, kinds)
        building.keep(name, made)
        return made


def compiled(function: Callable[P, T]) -> Compiled[P, T]:
    """The function as machine code that runs beside other threads."""
    return Compiled(function)


def inlined(function: Callable[P, T]) -> Part[P, T]:
    """A part of compiled functions."""
    return Part(function)


def kind_of(value: Any) -> Any:
    """What decides the machine code of an argument."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        return value.dtype.str, value.ndim, "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    if isinstance(value, tuple):
        return type(value).__module__, type(value).__name__, tuple(kind_of(each) for each in value)
    return "float64" if isinstance(value, float) else "uint64" if isinstance(value, np.uint64) else "int64"


def flatten(value: Any, into: list[Any]) -> None:
    """An argument as the machine code takes it: of an array no owner, its size, its address, its shape, its strides."""
    if isinstance(value, np.ndarray):
        into += (None, None, value.size, value.itemsize, _place(value), *value.shape, *value.strides)
    elif isinstance(value, tuple):
        for each in value:
            flatten(each, into)
    else:
        into.append(float(value) if isinstance(value, float) else int(value))


def _place(array: Any) -> int:
    """The address of an array; the short way where the array may be written and has something in it."""
    if array.flags.carray and array.size:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    return int(array.__array_interface__["data"][0])


def _arguments(kind: Any) -> list[Any]:
    if isinstance(kind, str):
        return [{"float64": ctypes.c_double, "int64": ctypes.c_int64, "uint64": ctypes.c_uint64}[kind]]
    if isinstance(kind[2], tuple):
        return [each for member in kind[2] for each in _arguments(member)]
    return [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * (2 * kind[1])]


@cache
def _linker() -> Any:
    import llvmlite.binding as llvm  # noqa: PLC0415  # seventy megabytes that only those who compute pay

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(codemodel="jitdefault")
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _address(symbol: str, code: bytes) -> int:
    import llvmlite.binding as llvm  # noqa: PLC0415  # seventy megabytes that only those who compute pay

    _linker().add_object_file(llvm.ObjectFileRef.from_data(code))
    _linker().finalize_object()
    return int(_linker().get_function_address(symbol))
