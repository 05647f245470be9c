"""Exact evaluators of the operators on images, by their definitions: loops over positions and taps, in Fractions."""

from fractions import Fraction
from itertools import product
from math import ceil, floor

import numpy as np


def obj(value):
    return np.asarray(value, object)


def numbers(k, name, rank, default):
    return list(k.get(name, [default] * rank))


def pads_of(k, spatial, kernel, stride, dilation):
    rank = len(spatial)
    auto = k.get("auto_pad", b"NOTSET").decode()
    if auto == "NOTSET":
        return numbers(k, "pads", 2 * rank, 0)
    if auto == "VALID":
        return [0] * (2 * rank)
    totals = [
        max((ceil(n / s) - 1) * s + (w - 1) * d + 1 - n, 0) for n, w, s, d in zip(spatial, kernel, stride, dilation)
    ]
    less = [t // 2 for t in totals]
    more = [t - a for t, a in zip(totals, less)]
    return less + more if auto == "SAME_UPPER" else more + less


def count(n, extent, stride, begin, end, up):
    room = n + begin + end - extent
    out = (ceil(Fraction(room, stride)) if up else room // stride) + 1
    return out - 1 if up and (out - 1) * stride >= n + begin else out


def windows(k, x, kernel):
    """For every position: [(tap index, element index or None if padding, counted as padding)]."""
    spatial = x.shape[2:]
    rank = len(spatial)
    stride, dilation = numbers(k, "strides", rank, 1), numbers(k, "dilations", rank, 1)
    pads = pads_of(k, spatial, kernel, stride, dilation)
    outs = [
        count(n, (w - 1) * d + 1, s, pads[a], pads[a + rank], k.get("ceil_mode", 0))
        for a, (n, w, s, d) in enumerate(zip(spatial, kernel, stride, dilation))
    ]
    for position in np.ndindex(*outs):
        taps = []
        for tap in np.ndindex(*kernel):
            at = tuple(p * s - pads[a] + t * d for a, (p, s, t, d) in enumerate(zip(position, stride, tap, dilation)))
            inside = all(0 <= i < n for i, n in zip(at, spatial))
            padding = all(-pads[a] <= i < n + pads[a + rank] for a, (i, n) in enumerate(zip(at, spatial)))
            taps.append((tap, at if inside else None, padding))
        yield position, taps, outs


def op_conv(k, x, w, b=None, **__):
    group, outputs = k.get("group", 1), w.shape[0]
    each_in, each_out = w.shape[1], outputs // group
    found = list(windows(k, x, w.shape[2:]))
    y = np.full((1, outputs, *found[0][2]), Fraction(0), object)
    for position, taps, _ in found:
        for o in range(outputs):
            first = o // each_out * each_in
            total = Fraction(0) if b is None else b[o]
            for tap, at, _ in taps:
                if at is not None:
                    total += sum(w[(o, c, *tap)] * x[(0, first + c, *at)] for c in range(each_in))
            y[(0, o, *position)] = total
    return y


def op_convtranspose(k, x, w, b=None, **__):
    rank, spatial, kernel = x.ndim - 2, x.shape[2:], w.shape[2:]
    group, each_out = k.get("group", 1), w.shape[1]
    each_in = x.shape[1] // group
    stride, dilation = numbers(k, "strides", rank, 1), numbers(k, "dilations", rank, 1)
    more = numbers(k, "output_padding", rank, 0)
    full = [(n - 1) * s + (t - 1) * d + 1 + m for n, s, t, d, m in zip(spatial, stride, kernel, dilation, more)]
    pads = numbers(k, "pads", 2 * rank, 0)
    if "output_shape" in k or k.get("auto_pad", b"NOTSET").startswith(b"SAME"):
        wanted = k.get("output_shape") or [n * s for n, s in zip(spatial, stride)]
        totals = [f - o for f, o in zip(full, wanted)]
        less, more_ = [t // 2 for t in totals], [t - t // 2 for t in totals]
        pads = less + more_ if k.get("auto_pad") == b"SAME_UPPER" else more_ + less
    y = np.full((1, group * each_out, *full), Fraction(0), object)
    for c, o, tap in product(range(x.shape[1]), range(each_out), np.ndindex(*kernel)):
        for at in np.ndindex(*spatial):
            place = tuple(i * s + t * d for i, s, t, d in zip(at, stride, tap, dilation))
            y[(0, c // each_in * each_out + o, *place)] += x[(0, c, *at)] * w[(c, o, *tap)]
    y = y[(slice(None), slice(None), *(slice(pads[a], full[a] - pads[a + rank]) for a in range(rank)))]
    return y if b is None else obj(y + b.reshape(1, -1, *[1] * rank))


def pooled(k, x, one):
    kernel = k["kernel_shape"]
    found = list(windows(k, x, kernel))
    y = np.empty((1, x.shape[1], *found[0][2]), object)
    for position, taps, _ in found:
        for c in range(x.shape[1]):
            values = [x[(0, c, *at)] for _, at, _ in taps if at is not None]
            y[(0, c, *position)] = one(values, sum(padding for _, _, padding in taps))
    return y


def op_maxpool(k, x, **__):
    return pooled(k, x, lambda values, _: max(values))


def op_averagepool(k, x, **__):
    all_counted = k.get("count_include_pad", 0)
    return pooled(k, x, lambda values, padded: sum(values) / Fraction(padded if all_counted else len(values)))


def op_globalmaxpool(_, x, **__):
    return obj(x.max(axis=tuple(range(2, x.ndim)), keepdims=True))


def op_globalaveragepool(_, x, **__):
    return obj(x.sum(axis=tuple(range(2, x.ndim)), keepdims=True) / Fraction(int(np.prod(x.shape[2:]))))


def reduced(k, x, axes):
    given = k.get("axes") or (None if axes is None else [int(a) for a in axes])
    axis = tuple(a % x.ndim for a in given) if given else tuple(range(x.ndim))
    return axis, bool(k.get("keepdims", 1)), int(np.prod([x.shape[a] for a in axis]))


def op_reducesum(k, x, axes=None, **__):
    axis, keep, _ = reduced(k, x, axes)
    return obj(x.sum(axis=axis, keepdims=keep))


def op_reducemean(k, x, axes=None, **__):
    axis, keep, size = reduced(k, x, axes)
    return obj(x.sum(axis=axis, keepdims=keep) / Fraction(size))


def op_reducemax(k, x, axes=None, **__):
    axis, keep, _ = reduced(k, x, axes)
    return obj(x.max(axis=axis, keepdims=keep))


def op_reducemin(k, x, axes=None, **__):
    axis, keep, _ = reduced(k, x, axes)
    return obj(x.min(axis=axis, keepdims=keep))


def op_concat(k, *parts, **__):
    return np.concatenate(parts, axis=k["axis"])


def op_slice(k, x, *operands, **__):
    lists = [None if o is None else [int(v) for v in o] for o in operands] + [None] * (4 - len(operands))
    starts, ends = lists[0] or list(k["starts"]), lists[1] or list(k["ends"])
    axes = lists[2] or list(k.get("axes", range(len(starts))))
    steps = lists[3] or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps):
        index = list(range(x.shape[axis]))[slice(start, None if step < 0 and end < -x.shape[axis] else end, step)]
        x = np.take(x, index, axis=axis)
    return x


def op_split(k, x, sizes=None, **__):
    sizes = [int(s) for s in (k["split"] if sizes is None else sizes)]
    return tuple(np.split(x, np.cumsum(sizes)[:-1].tolist(), axis=k.get("axis", 0)))


def op_gather(k, x, indices, **__):
    return np.take(x, np.asarray(indices, np.int64), axis=k.get("axis", 0))


def op_pad(k, x, pads=None, value=None, axes=None, **__):
    pads = [int(p) for p in (k.get("pads") if pads is None else pads)]
    fill = Fraction(k.get("value", 0.0)) if value is None else value.reshape(-1)[0]
    axes = list(range(x.ndim)) if axes is None else [int(a) for a in axes]
    for i, axis in enumerate(axes):
        begin, end = pads[i], pads[i + len(axes)]
        x = np.take(x, range(max(0, -begin), x.shape[axis] - max(0, -end)), axis=axis)
        mode = k.get("mode", b"constant").decode()
        fills = {"constant_values": fill} if mode == "constant" else {}
        x = np.pad(x, [(max(0, begin), max(0, end)) if a == axis else (0, 0) for a in range(x.ndim)], mode, **fills)
    return x


def op_depthtospace(k, x, **__):
    b, (_, c, h, w) = k["blocksize"], x.shape
    y = np.empty((1, c // b**2, h * b, w * b), object)
    rest = c // b**2
    for o, i, j in np.ndindex(*y.shape[1:]):
        block = i % b * b + j % b
        channel = o * b * b + block if k.get("mode", b"DCR") == b"CRD" else block * rest + o
        y[0, o, i, j] = x[0, channel, i // b, j // b]
    return y


def op_spacetodepth(k, x, **__):
    b, (_, c, h, w) = k["blocksize"], x.shape
    y = np.empty((1, c * b * b, h // b, w // b), object)
    for o, i, j in np.ndindex(*y.shape[1:]):
        block, channel = divmod(o, c)
        y[0, o, i, j] = x[0, channel, i * b + block // b, j * b + block % b]
    return y


def op_resize(k, x, *operands, opset=13, **__):
    scales = operands[-1] if opset < 11 or len(operands) < 3 else operands[1]
    if opset >= 11 and len(operands) > 2 and operands[2] is not None:
        factors = [Fraction(int(n), d) for n, d in zip(operands[2], x.shape)]
    else:
        factors = [Fraction(s) for s in scales]
    mode = k.get("coordinate_transformation_mode", b"half_pixel").decode() if opset >= 11 else "asymmetric"
    nearest = k.get("nearest_mode", b"round_prefer_floor").decode() if opset >= 11 else "floor"
    kind = k.get("mode", b"nearest").decode()
    half = Fraction(1, 2)
    for axis, (size, factor) in enumerate(zip(x.shape, factors)):
        out = floor(size * factor)
        index, parts = [], []
        for i in range(out):
            t = {
                "half_pixel": (i + half) / factor - half,
                "asymmetric": i / factor,
                "align_corners": Fraction(i * (size - 1), max(out - 1, 1)),
                "tf_half_pixel_for_nn": (i + half) / factor,
                "pytorch_half_pixel": (i + half) / factor - half if out > 1 else Fraction(0),
            }[mode]
            j = {"round_prefer_floor": ceil(t - half), "round_prefer_ceil": floor(t + half), "floor": floor(t),
                 "ceil": ceil(t)}[nearest]  # fmt: skip
            index.append(min(max(j, 0), size - 1))
            parts.append(interpolated(x, axis, t, k) if kind != "nearest" else None)
        if kind == "nearest":
            x = np.take(x, index, axis=axis)
        elif factor != 1:
            x = np.stack(parts, axis=axis)
    return x


def interpolated(x, axis, t, k):
    """The slice of x at place t of an axis, between two or four neighbours."""
    first, size = floor(t), x.shape[axis]
    r = t - first
    if k["mode"] == b"linear":
        near = {first: 1 - r, first + 1: r}
    else:
        a = Fraction(k.get("cubic_coeff_a", -0.75))
        near = {
            first - 1: ((a * (r + 1) - 5 * a) * (r + 1) + 8 * a) * (r + 1) - 4 * a,
            first: ((a + 2) * r - (a + 3)) * r * r + 1,
            first + 1: ((a + 2) * (1 - r) - (a + 3)) * (1 - r) * (1 - r) + 1,
            first + 2: ((a * (2 - r) - 5 * a) * (2 - r) + 8 * a) * (2 - r) - 4 * a,
        }
    if k.get("exclude_outside"):
        near = {i: w for i, w in near.items() if 0 <= i < size}
    total = sum(near.values())
    return sum(np.take(x, min(max(i, 0), size - 1), axis=axis) * (w / total) for i, w in near.items())


def op_upsample(k, x, *scales, **__):
    given = scales[0] if scales else [Fraction(s) for s in k["scales"]]
    return op_resize({}, x, given, opset=9)
