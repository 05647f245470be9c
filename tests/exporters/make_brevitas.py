"""Small Brevitas networks as QONNX and QCDQ, with what PyTorch computes for seeded inputs: `python make_brevitas.py FOLDER`.

Needs what `torch.txt` lists.
"""

import sys
import warnings
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas import quant
from brevitas.export import export_onnx_qcdq, export_qonnx
from torch import nn

FRAMES = 240


def weights(per_channel, power_of_two, bits):
    base = quant.Int8WeightPerTensorFixedPoint if power_of_two else quant.Int8WeightPerTensorFloat

    class Weights(base):
        bit_width = bits
        scaling_per_output_channel = per_channel

    return Weights


def activations(base, bits):
    class Activations(base):
        bit_width = bits

    return Activations


class Kit:
    """Layers of one kind of quantization."""

    def __init__(self, w=4, a=4, first=8, per_channel=False, power_of_two=False, shifted=False, bias=None):
        fixed = power_of_two
        self.weight = weights(per_channel, power_of_two, w)
        signed = quant.Int8ActPerTensorFixedPoint if fixed else quant.Int8ActPerTensorFloat
        unsigned = quant.Uint8ActPerTensorFixedPoint if fixed else quant.Uint8ActPerTensorFloat
        self.bias = bias
        self.first = activations(signed, first)
        self.signed = activations(quant.ShiftedUint8ActPerTensorFloat if shifted else signed, a)
        self.unsigned = activations(unsigned, a)

    def layer(self, kind, *args, **options):
        return kind(*args, weight_quant=self.weight, bias_quant=self.bias, **options)

    def start(self):
        return qnn.QuantIdentity(act_quant=self.first, return_quant_tensor=True)

    def identity(self):
        return qnn.QuantIdentity(act_quant=self.signed, return_quant_tensor=True)

    def relu(self):
        return qnn.QuantReLU(act_quant=self.unsigned, return_quant_tensor=True)


def mlp(kit):
    return nn.Sequential(
        kit.start(), kit.layer(qnn.QuantLinear, 10, 16, bias=True), nn.BatchNorm1d(16), kit.relu(),
        nn.Dropout(0.2), kit.layer(qnn.QuantLinear, 16, 12, bias=False), nn.BatchNorm1d(12), kit.identity(),
        kit.layer(qnn.QuantLinear, 12, 5, bias=True),
    )  # fmt: skip


class Residual(nn.Module):
    """Strides, padding, depthwise and pointwise convolutions, a residual sum, pooling."""

    def __init__(self, kit):
        super().__init__()
        self.start = kit.start()
        self.c1 = kit.layer(qnn.QuantConv2d, 3, 8, 3, stride=2, padding=1, bias=False)
        self.n1, self.a1 = nn.BatchNorm2d(8), kit.relu()
        self.dw = kit.layer(qnn.QuantConv2d, 8, 8, 3, padding=1, groups=8, bias=False)
        self.n2, self.a2 = nn.BatchNorm2d(8), kit.relu()
        self.pw = kit.layer(qnn.QuantConv2d, 8, 8, 1, bias=True)
        self.shared, self.a3 = kit.identity(), kit.relu()
        self.pool = nn.MaxPool2d(2)
        self.out = kit.layer(qnn.QuantLinear, 8 * 2 * 2, 4, bias=True)

    def forward(self, x):
        x = self.a1(self.n1(self.c1(self.start(x))))
        y = self.pw(self.a2(self.n2(self.dw(x))))
        x = self.a3(self.shared(y) + self.shared(x))
        return self.out(torch.flatten(self.pool(x), 1))


class Signal(nn.Module):
    """One dimension."""

    def __init__(self, kit):
        super().__init__()
        self.net = nn.Sequential(
            kit.start(), kit.layer(qnn.QuantConv1d, 2, 6, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(6), kit.relu(),
            nn.MaxPool1d(2), kit.layer(qnn.QuantConv1d, 6, 8, 3, dilation=2, padding=2, bias=True), kit.relu(),
        )  # fmt: skip
        self.out = kit.layer(qnn.QuantLinear, 8 * 4, 3, bias=False)

    def forward(self, x):
        return self.out(torch.flatten(self.net(x), 1))


class Averaged(nn.Module):
    """An average that is truncated, as Brevitas' TruncAvgPool2d does it."""

    def __init__(self, kit):
        super().__init__()
        self.start, self.act = kit.start(), kit.relu()
        self.conv = kit.layer(qnn.QuantConv2d, 2, 4, 3, bias=False)
        self.pool = qnn.TruncAvgPool2d(2, float_to_int_impl_type="floor", bit_width=4)
        self.out = kit.layer(qnn.QuantLinear, 4 * 2 * 2, 3, bias=False)

    def forward(self, x):
        return self.out(torch.flatten(self.pool(self.act(self.conv(self.start(x)))), 1))


def curves(kit):
    """Functions with a quantizer behind them, and an upsampling."""
    return nn.Sequential(
        kit.start(), kit.layer(qnn.QuantConv2d, 2, 4, 3, bias=True), qnn.QuantSigmoid(bit_width=4, return_quant_tensor=True),
        qnn.QuantUpsamplingNearest2d(scale_factor=2), kit.layer(qnn.QuantConv2d, 4, 4, 2, stride=2, bias=False),
        qnn.QuantTanh(bit_width=5, return_quant_tensor=True), kit.layer(qnn.QuantConvTranspose2d, 4, 2, 2, stride=2, bias=False),
        kit.identity(), nn.Flatten(),
    )  # fmt: skip


def binary():
    act = quant.SignedBinaryActPerTensorConst
    weight = quant.SignedBinaryWeightPerTensorConst
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=act), qnn.QuantLinear(12, 16, bias=False, weight_quant=weight), nn.BatchNorm1d(16),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(16, 4, bias=False, weight_quant=quant.SignedTernaryWeightPerTensorConst),
    )  # fmt: skip


IMAGE, LINE, ROW = (3, 8, 8), (2, 16), (10,)
NETWORKS = {
    **{f"mlp_w{w}a{a}": (ROW, lambda w=w, a=a: mlp(Kit(w, a))) for w, a in ((2, 2), (3, 4), (4, 3), (8, 8))},
    "mlp_channel": (ROW, lambda: mlp(Kit(per_channel=True))),
    "mlp_po2": (ROW, lambda: mlp(Kit(w=5, a=6, power_of_two=True))),
    "mlp_shifted": (ROW, lambda: mlp(Kit(shifted=True, a=5))),
    "mlp_bias8": (ROW, lambda: mlp(Kit(bias=quant.Int8BiasPerTensorFloatInternalScaling))),
    "mlp_bias32": (ROW, lambda: mlp(Kit(bias=quant.Int32Bias))),
    "cnn": (IMAGE, lambda: Residual(Kit())),
    "cnn_channel": (IMAGE, lambda: Residual(Kit(w=6, a=7, per_channel=True))),
    "cnn_po2": (IMAGE, lambda: Residual(Kit(w=3, a=4, power_of_two=True))),
    "cnn_int8": (IMAGE, lambda: Residual(Kit(w=8, a=8, per_channel=True, bias=quant.Int32Bias))),
    "line": (LINE, lambda: Signal(Kit(w=4, a=5, per_channel=True))),
    "line_po2": (LINE, lambda: Signal(Kit(w=4, a=5, power_of_two=True))),
    "trunc": ((2, 6, 6), lambda: Averaged(Kit(a=4, power_of_two=True))),
    "curves": ((2, 6, 6), lambda: curves(Kit(w=4, a=6))),
    "binary": ((12,), binary),
}  # fmt: skip
WITHOUT_QCDQ = {"binary": "bipolar values", "trunc": "Trunc"}
"""What QuantizeLinear cannot say."""


def settled(model, shape, generator):
    """Trained a little, so that scales and BatchNormalization have something to say; then frozen."""
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.3, generator=generator)
        for _ in range(8):
            model(torch.randn(64, *shape, generator=generator))
    return model.eval()


def make(name, folder):
    seed = sum(name.encode())
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    shape, build = NETWORKS[name]
    model = settled(build(), shape, generator)
    x = torch.randn(FRAMES, *shape, generator=generator)
    with torch.no_grad():
        y = model(x)
    y = getattr(y, "value", y)
    np.savez_compressed(folder / f"{name}.npz", x=x.numpy(), y=y.numpy())
    sample = torch.randn(1, *shape, generator=generator)
    export_qonnx(model, args=sample, export_path=str(folder / f"{name}.qonnx.onnx"), dynamo=False)
    if name not in WITHOUT_QCDQ:
        export_onnx_qcdq(model, args=sample, export_path=str(folder / f"{name}.qcdq.onnx"), dynamo=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        make(name, target)
