"""What compiles: the only file that imports numba, loaded where no object file of this machine and of these sources is found."""

from __future__ import annotations

import os
import tempfile
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from maillage.simulation.compiled import Part, digest, folders

OPTIONS: Final[dict[str, Any]] = {"error_model": "numpy", "_nrt": False}
BARE: Final[dict[str, Any]] = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Nothing around the machine code: it is called by its address."""
_PARTS: Final[dict[Part[Any, Any], Any]] = {}


@intrinsic
def _fetched(context: Any, values: Any, at: Any) -> Any:  # noqa: ARG001  # as numba calls it
    """The prefetch instruction, for writing, into the first cache."""

    def made(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        address = builder.bitcast(builder.gep(array.data, [args[1]]), ir.IntType(8).as_pointer())
        whole = ir.IntType(32)
        told = builder.module.declare_intrinsic("llvm.prefetch", (), ir.FunctionType(ir.VoidType(), [address.type, whole, whole, whole]))
        builder.call(told, [address, whole(1), whole(3), whole(1)])
        return context.get_dummy_value()

    return types.none(values, at), made


NATIVE: Final[dict[str, Any]] = {"lowest": trailing_zeros, "fetched": _fetched}
"""Parts for which the processor has an instruction."""


def machine_code(made: Part[Any, Any], kinds: tuple[Any, ...]) -> tuple[str, str, bytes]:
    """The symbol, the type of the result, and an object file for arguments of these kinds."""
    dispatcher = njit(**BARE)(_whole(made.function))
    signature = tuple(_type(kind) for kind in kinds)
    dispatcher.compile(signature)
    result = dispatcher.overloads[signature]
    return result.fndesc.llvm_func_name, str(result.signature.return_type), result.library._get_compiled_object()


def _whole(function: Any) -> Any:
    """The function with its parts as numba wants them: each is compiled where it is called."""
    used = {name: value for name in function.__code__.co_names if isinstance(value := function.__globals__.get(name), Part)}
    known = {**function.__globals__, **{name: _part(value) for name, value in used.items()}}
    return FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)


def _part(part: Part[Any, Any]) -> Any:
    if part not in _PARTS and part.function.__name__ in NATIVE:
        _PARTS[part] = NATIVE[part.function.__name__]
    if part not in _PARTS:
        _PARTS[part] = njit(forceinline=True, **OPTIONS)(_whole(part.function))
    return _PARTS[part]


def _type(kind: Any) -> Any:
    if isinstance(kind, str):
        return getattr(types, kind)
    if isinstance(kind[2], tuple):
        module = import_module(kind[0])
        made: Any = types.NamedTuple
        return made([_type(each) for each in kind[2]], getattr(module, kind[1]))
    return types.Array(from_dtype(np.dtype(kind[0])), kind[1], kind[2])


def keep(name: str, made: tuple[str, str, bytes]) -> None:
    """Write the object file where one may; files of other sources beside ours go."""
    symbol, result, code = made
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(b"\n".join([symbol.encode(), result.encode(), code]))
            Path(path).replace(folder / name)
        except OSError:
            continue
        for old in folders()[0].glob("*.o"):
            if folder == old.parent and not old.name.startswith(digest()):
                old.unlink(missing_ok=True)
        return
