"""Seeded damage to model files: fields of the protobuf changed, repeated, dropped or swapped, and bytes flipped or cut."""

from google.protobuf.descriptor import FieldDescriptor as Field
from onnx import ModelProto

INTEGERS = (0, 1, -1, 2, 3, 7, 16, 255, -128, 1 << 16, (1 << 31) - 1, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), float("-inf"), 3.4e38, 1e-45, 1e-30, 1e30)
TEXTS = ("", "x", "a" * 5000, "a\0b", "../../etc/passwd", "$(id)", "`id`", "{{7*7}}", "'\";--", "module", "\n\r\t", "ÿ漢😀", "\\", "ai.onnx",
         "com.microsoft", "qonnx.custom_op.general", "Conv", "MatMul", "Quant", "QuantizeLinear", "Add", "Reshape", "If", "Pad",
         "Resize", "Softmax", "Concat", "MaxPool", "Gemm")  # fmt: skip


def mutated(data, rng):
    """A damaged copy: of its fields three times out of four, else of its bytes."""
    if rng.random() < 0.25:
        return damaged_bytes(data, rng)
    model = ModelProto()
    model.ParseFromString(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        change(model.graph if rng.random() < 0.8 else model, rng)
    return model.SerializeToString()


def damaged_bytes(data, rng):
    content = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        place = rng.randrange(len(content))
        kind = rng.randrange(4)
        if kind == 0:
            content[place] = rng.randrange(256)
        elif kind == 1:
            content[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del content[place : place + rng.randrange(1, 9)]
        else:
            content[place:place] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
    return bytes(content[: rng.randrange(len(content))] if rng.random() < 0.2 else content)


def change(message, rng):
    """One field of the message or, more often, of a message within."""
    while True:
        fields = [f for f, _ in message.ListFields()]
        inner = [f for f in fields if f.type == Field.TYPE_MESSAGE]
        if not inner or rng.random() < 0.15:
            break
        field = rng.choice([*inner, *(f for f in inner if f.name in ("graph", "node", "attribute", "initializer"))])
        value = getattr(message, field.name)
        message = rng.choice(value) if field.is_repeated else value
    known = list(message.DESCRIPTOR.fields)
    field = rng.choice(fields if fields and rng.random() < 0.8 else known)
    if field.is_repeated:
        change_list(getattr(message, field.name), field, rng)
    elif field.type == Field.TYPE_MESSAGE or rng.random() < 0.15:
        message.ClearField(field.name)
    else:
        put(lambda v: setattr(message, field.name, v), getattr(message, field.name), field, rng)


def change_list(values, field, rng):
    if not len(values):
        if field.type != Field.TYPE_MESSAGE:
            put(values.append, None, field, rng)
        return
    at = rng.randrange(len(values))
    kind = rng.randrange(4)
    if kind == 0:
        del values[at]
    elif kind == 1 and field.type == Field.TYPE_MESSAGE:
        values.add().CopyFrom(values[at])
    elif kind == 2 and len(values) > 1:
        items = (
            [type(v).FromString(v.SerializeToString()) for v in values]
            if field.type == Field.TYPE_MESSAGE
            else list(values)
        )
        other = rng.randrange(len(items))
        items[at], items[other] = items[other], items[at]
        del values[:]
        values.extend(items)
    elif field.type != Field.TYPE_MESSAGE:
        put(lambda v: values.__setitem__(at, v), values[at], field, rng)


def put(store, old, field, rng):
    """Another value of the field's type."""
    if field.type in (Field.TYPE_FLOAT, Field.TYPE_DOUBLE):
        new = rng.choice((*FLOATS, -(old or 0.0), (old or 1.0) * 1000))
    elif field.type == Field.TYPE_STRING:
        new = rng.choice(TEXTS)
    elif field.type == Field.TYPE_BYTES:
        new = bytes_like(old or b"", rng)
    elif field.type == Field.TYPE_ENUM:
        new = rng.choice(field.enum_type.values).number
    else:
        new = rng.choice((*INTEGERS, (old or 0) + 1, (old or 0) - 1, rng.randrange(30)))
    try:
        store(new)
    except ValueError:  # out of the range of a 32-bit field
        store(1)


def bytes_like(old, rng):
    content = bytearray(old or b"\0")
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(content[: rng.randrange(len(content) + 1)])
    if kind == 1:
        return bytes(content) * 2
    for _ in range(rng.randrange(1, 5)):
        content[rng.randrange(len(content))] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
    return bytes(content)
