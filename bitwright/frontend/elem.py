"""The element types of ONNX tensors that Bitwright understands."""

from __future__ import annotations

from enum import Enum

import numpy as np
from onnx import TensorProto

from ..errors import CompileError, Origin
from ..ir.types import IntType


class Elem(Enum):
    """An element type: its ONNX name, its code in a TensorProto, and the NumPy type that carries it.

    NumPy has neither bfloat16 nor integers of less than 8 bits: a wider type carries those.
    """

    BFLOAT16 = ("bfloat16", TensorProto.BFLOAT16, np.float32)
    FLOAT16 = ("float16", TensorProto.FLOAT16, np.float16)
    FLOAT32 = ("float32", TensorProto.FLOAT, np.float32)
    FLOAT64 = ("float64", TensorProto.DOUBLE, np.float64)
    INT2 = ("int2", TensorProto.INT2, np.int8)
    INT4 = ("int4", TensorProto.INT4, np.int8)
    INT8 = ("int8", TensorProto.INT8, np.int8)
    INT16 = ("int16", TensorProto.INT16, np.int16)
    INT32 = ("int32", TensorProto.INT32, np.int32)
    INT64 = ("int64", TensorProto.INT64, np.int64)
    UINT2 = ("uint2", TensorProto.UINT2, np.uint8)
    UINT4 = ("uint4", TensorProto.UINT4, np.uint8)
    UINT8 = ("uint8", TensorProto.UINT8, np.uint8)
    UINT16 = ("uint16", TensorProto.UINT16, np.uint16)
    UINT32 = ("uint32", TensorProto.UINT32, np.uint32)
    UINT64 = ("uint64", TensorProto.UINT64, np.uint64)
    BOOL = ("bool", TensorProto.BOOL, np.bool_)

    def __init__(self, label: str, code: int, carrier: type[np.generic]) -> None:
        self.label, self.code, self.carrier = label, code, np.dtype(carrier)

    @property
    def is_float(self) -> bool:
        return self.carrier.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.carrier.kind in "iu"

    @property
    def bits(self) -> int:
        """Bits of an integer type."""
        return int(self.label.removeprefix("u").removeprefix("int"))

    @property
    def integers(self) -> IntType:
        """The integers of an integer type of less than 64 bits."""
        return IntType(self.bits, not self.label.startswith("u"))

    @property
    def roundoff(self) -> float:
        """The unit roundoff of a float type; that of float32 for others, which are computed in float32."""
        return 2.0 ** -(self.digits if self.is_float else 24)

    @property
    def digits(self) -> int:
        """Binary digits of the significand of a float type."""
        return {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}[self.label]

    @property
    def carried(self) -> bool:
        """Whether NumPy has no such type, so that a wider one carries it."""
        return self.label == "bfloat16" or (self.is_integer and self.bits < 8)

    def rounded(self, array: np.ndarray) -> np.ndarray:
        """The array as values of this type, in the type that carries it: the nearest floats (ties to even); integers modulo
        their number of values."""
        if self is Elem.BFLOAT16:
            bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
            with np.errstate(over="ignore"):
                bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
            return bits.view(np.float32).reshape(array.shape)
        if self.carried:
            low = self.integers.lo
            array = (array.astype(np.int64) - low) % (1 << self.bits) + low
        return array.astype(self.carrier)

    @classmethod
    def of_code(cls, code: int, what: str, origin: Origin | None = None) -> Elem:
        """The type of that code in a file. Raises CompileError E016 naming `what` has it."""
        for elem in cls:
            if elem.code == code:
                return elem
        known = TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else f"number {code}"
        raise CompileError("E016", f"{what} has the element type {known}, which is not supported", origin=origin)

    @classmethod
    def of_array(cls, array: np.ndarray) -> Elem:
        """The type that a NumPy array holds by itself (int8 for an array that carries int4)."""
        for elem in cls:
            if elem.carrier == array.dtype and not elem.carried:
                return elem
        raise CompileError("E016", f"arrays of {array.dtype} are not supported")
