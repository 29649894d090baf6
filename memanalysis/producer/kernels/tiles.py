"""The innermost loops of a convolution, written in LLVM's vector types.

A tile is some channels by some vectors of the batch, whose sums stay in registers: LLVM does not
find such loops by itself. Addresses are in bytes, all other numbers count float32 values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.core import config as _config
from numba.extending import intrinsic

# Numba ships no types for these.
cgutils: Any = _cgutils
config: Any = _config


def _lanes() -> int:
    """float32 values in a vector register: 16 with AVX-512, else 8 (AVX2, or two of NEON's)."""
    features = config.CPU_FEATURES
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    return 16 if "+avx512f" in features else 8


LANES: Final = _lanes()
# Four channels by this many vectors of sums; AVX-512 has 32 registers, AVX2 16.
DEEP: Final = 4 if LANES == 16 else 2

_FLOAT, _INTEGER = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FLOATS, _INTEGERS = _FLOAT.as_pointer(), _INTEGER.as_pointer()
_ZEROS = ir.Constant(_VECTOR, [0.0] * LANES)
_SIGNATURE = types.void(*[types.int64] * 10)

Builder = Any  # an ir.IRBuilder; llvmlite ships no types
Tile = Callable[..., Any]


def correlation(channels: int, vectors: int) -> Tile:
    """A tile of outputs: sum over taps and input channels of input times weight.

    Its arguments are x, step between input channels, input channels, weights, step between their
    rows, offsets of the taps in x and in the weights (int64), taps, output, step between output
    channels.
    """

    def generate(context: Any, b: Builder, signature: Any, arguments: Any) -> Any:
        del signature
        x, x_step, n_in, w, w_step, sources, taps, n_taps, out, out_step = arguments
        x, w, out = (b.inttoptr(address, _FLOATS) for address in (x, w, out))
        sources, taps = (b.inttoptr(address, _INTEGERS) for address in (sources, taps))
        sums = [[cgutils.alloca_once(b, _VECTOR) for _ in range(vectors)] for _ in range(channels)]
        for row in sums:
            for cell in row:
                b.store(_ZEROS, cell)
        x_at, w_at = cgutils.alloca_once(b, _FLOATS), cgutils.alloca_once(b, _FLOATS)
        with cgutils.for_range(b, n_taps) as tap:
            b.store(b.gep(x, [b.load(b.gep(sources, [tap.index]))]), x_at)
            b.store(b.gep(w, [b.load(b.gep(taps, [tap.index]))]), w_at)
            with cgutils.for_range(b, n_in):
                x_here, w_here = b.load(x_at), b.load(w_at)
                inputs = [_load(b, x_here, _number(v * LANES)) for v in range(vectors)]
                for channel, row in enumerate(sums):
                    weight = _spread(b, b.load(b.gep(w_here, [_number(channel)])))
                    for value, cell in zip(inputs, row, strict=True):
                        b.store(_multiply_add(b, value, weight, b.load(cell)), cell)
                b.store(b.gep(x_here, [x_step]), x_at)
                b.store(b.gep(w_here, [w_step]), w_at)
        for channel, row in enumerate(sums):
            start = b.gep(out, [b.mul(out_step, _number(channel))])
            for v, cell in enumerate(row):
                _store(b, b.load(cell), start, _number(v * LANES))
        return context.get_dummy_value()

    return _intrinsic(generate)


def outer_product(rows: int, columns: int) -> Tile:
    """A tile of sums over places and examples: gradient of an output times an input.

    Its arguments are the gradients, step between their channels, the inputs, step between theirs,
    places, steps between places of both, vectors of a place, sums [row, column, LANES], step
    between their rows. The sums are added to.
    """

    def generate(context: Any, b: Builder, signature: Any, arguments: Any) -> Any:
        del signature
        g, g_step, x, x_step, n_places, g_place, x_place, n_vectors, out, out_step = arguments
        g, x, out = (b.inttoptr(address, _FLOATS) for address in (g, x, out))
        ends = [b.gep(out, [b.mul(out_step, _number(row))]) for row in range(rows)]
        sums = [[cgutils.alloca_once(b, _VECTOR) for _ in range(columns)] for _ in range(rows)]
        for end, row in zip(ends, sums, strict=True):
            for column, cell in enumerate(row):
                b.store(_load(b, end, _number(column * LANES)), cell)
        g_rows = [b.gep(g, [b.mul(g_step, _number(row))]) for row in range(rows)]
        x_rows = [b.gep(x, [b.mul(x_step, _number(column))]) for column in range(columns)]
        with cgutils.for_range(b, n_places) as place:
            g_start, x_start = b.mul(place.index, g_place), b.mul(place.index, x_place)
            with cgutils.for_range(b, n_vectors) as step:
                offset = b.mul(step.index, _number(LANES))
                g_here, x_here = b.add(g_start, offset), b.add(x_start, offset)
                gradients = [_load(b, row, g_here) for row in g_rows]
                for column, x_row in enumerate(x_rows):
                    value = _load(b, x_row, x_here)
                    for gradient, row in zip(gradients, sums, strict=True):
                        b.store(_multiply_add(b, gradient, value, b.load(row[column])), row[column])
        for end, row in zip(ends, sums, strict=True):
            for column, cell in enumerate(row):
                _store(b, b.load(cell), end, _number(column * LANES))
        return context.get_dummy_value()

    return _intrinsic(generate)


def _intrinsic(generate: Callable[..., Any]) -> Tile:
    # Numba asks for as many names as there are arguments.
    @intrinsic
    def tile(_c, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10):  # type: ignore[no-untyped-def]
        return _SIGNATURE, generate

    return tile


def _number(value: int) -> ir.Constant:
    return ir.Constant(_INTEGER, value)


def _load(b: Builder, base: Any, index: Any) -> Any:
    return b.load(b.bitcast(b.gep(base, [index]), _VECTOR.as_pointer()), align=4)


def _store(b: Builder, value: Any, base: Any, index: Any) -> None:
    b.store(value, b.bitcast(b.gep(base, [index]), _VECTOR.as_pointer()), align=4)


def _spread(b: Builder, value: Any) -> Any:
    """One number in all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    places = ir.IntType(32)
    first = b.insert_element(nothing, value, ir.Constant(places, 0))
    return b.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(places, LANES), [0] * LANES))


def _multiply_add(b: Builder, x: Any, y: Any, z: Any) -> Any:
    """Returns x * y + z, rounded once where the processor can."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    function = cgutils.get_or_insert_function(b.module, kind, f"llvm.fmuladd.v{LANES}f32")
    return b.call(function, [x, y, z])
