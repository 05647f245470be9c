"""Small PyTorch networks with fake quantization through both of torch.onnx's exporters, and eager quantized ones,
with what PyTorch computes for seeded inputs: `python make_torch.py FOLDER`.

Needs what `torch.txt` lists.
"""

import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.ao.quantization import (
    DeQuantStub,
    FakeQuantize,
    MovingAverageMinMaxObserver,
    QConfig,
    QuantStub,
    convert,
    prepare_qat,
)  # fmt: skip
from torch.nn import functional

FRAMES = 240


class Quantizer(nn.Module):
    """fake_quantize to 8 bits of a tensor, or of its channels along axis 0, by the range that was seen while training.

    Both exporters refuse other widths.
    """

    def __init__(self, signed=True, per_channel=False, power_of_two=False):
        super().__init__()
        self.low, self.high = (-128, 127) if signed else (0, 255)
        self.signed, self.per_channel, self.power_of_two = signed, per_channel, power_of_two
        self.scale, self.zero = None, 0

    def observe(self, x):
        flat = x.detach().reshape(len(x), -1) if self.per_channel else x.detach().reshape(1, -1)
        low, high = flat.amin(1).clamp(max=0), flat.amax(1).clamp(min=0)
        scale = (torch.maximum(-low, high) / self.high if self.signed else (high - low) / self.high).clamp(min=2**-20)
        if self.power_of_two:
            scale = torch.exp2(torch.ceil(torch.log2(scale)))
        if self.per_channel:
            self.scale, self.zero = scale, torch.zeros(len(x), dtype=torch.int32)
        else:
            self.scale, self.zero = float(scale), 0 if self.signed else int(torch.round(-low / scale))

    def forward(self, x):
        if self.training:
            self.observe(x)
        if self.per_channel:
            return torch.fake_quantize_per_channel_affine(x, self.scale, self.zero, 0, self.low, self.high)
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, self.low, self.high)


class Dense(nn.Linear):
    def __init__(self, *args, kind=None, **options):
        super().__init__(*args, **options)
        self.quantizer = Quantizer(**kind or {})

    def forward(self, x):
        return functional.linear(x, self.quantizer(self.weight), self.bias)


class Conv(nn.Conv2d):
    def __init__(self, *args, kind=None, **options):
        super().__init__(*args, **options)
        self.quantizer = Quantizer(**kind or {})

    def forward(self, x):
        return self._conv_forward(x, self.quantizer(self.weight), self.bias)


class Line(nn.Conv1d):
    def __init__(self, *args, kind=None, **options):
        super().__init__(*args, **options)
        self.quantizer = Quantizer(**kind or {})

    def forward(self, x):
        return self._conv_forward(x, self.quantizer(self.weight), self.bias)


def mlp(power_of_two=False, **kind):
    kind = {"power_of_two": power_of_two} | kind

    def activation(signed=True):
        return Quantizer(signed, power_of_two=power_of_two)

    return nn.Sequential(
        activation(), Dense(10, 16, kind=kind), nn.ReLU(), activation(False),
        Dense(16, 12, bias=False, kind=kind), nn.BatchNorm1d(12), nn.Hardtanh(), activation(),
        Dense(12, 5, kind=kind), activation(),
    )  # fmt: skip


class Residual(nn.Module):
    """Strides, padding, BatchNormalization, a depthwise convolution, a residual sum, pools."""

    def __init__(self, power_of_two=False, **kind):
        super().__init__()
        kind, signed = {"power_of_two": power_of_two} | kind, lambda: Quantizer(power_of_two=power_of_two)
        unsigned = lambda: Quantizer(signed=False, power_of_two=power_of_two)  # noqa: E731
        self.a0, self.c1 = signed(), Conv(3, 8, 3, stride=2, padding=1, bias=False, kind=kind)
        self.n1, self.a1 = nn.BatchNorm2d(8), unsigned()
        self.dw, self.a2 = Conv(8, 8, 3, padding=1, groups=8, kind=kind), unsigned()
        self.pw, self.a3 = Conv(8, 8, 1, kind=kind), signed()
        self.a4, self.a6, self.out, self.a5 = signed(), unsigned(), Dense(8, 4, kind=kind), signed()

    def forward(self, x):
        x = self.a1(functional.relu(self.n1(self.c1(self.a0(x)))))
        y = self.a3(self.pw(self.a2(functional.relu6(self.dw(x)))))
        x = functional.max_pool2d(self.a6(functional.relu(self.a4(x + y))), 2)
        return self.a5(self.out(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)))


class Joined(nn.Module):
    """One dimension, a concatenation, an average, a function; tensors with a zero point."""

    def __init__(self, **kind):
        super().__init__()
        self.a0, self.a1, self.a2, self.a3 = Quantizer(signed=False), Quantizer(), Quantizer(), Quantizer(signed=False)
        self.c1, self.c2 = Line(2, 4, 5, padding=2, kind=kind), Line(2, 4, 3, padding=2, dilation=2, kind=kind)
        self.out = Dense(8 * 8, 3, kind=kind)

    def forward(self, x):
        x = self.a0(x)
        x = torch.cat([self.a1(self.c1(x)), self.a1(self.c2(x))], 1)
        x = self.a3(torch.sigmoid(self.a2(functional.avg_pool1d(x, 2))))
        return self.out(x.reshape(x.shape[0], -1))


class Eager(nn.Module):
    """What torch.ao.quantization.convert makes: integer modules between stubs."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Linear(6 * 4 * 4, 5)

    def forward(self, x):
        x = functional.max_pool2d(self.relu(self.conv(self.quant(x))), 2)
        return self.dequant(self.fc(torch.flatten(x, 1)))


IMAGE = (3, 8, 8)
ROW = (10,)
NETWORKS = {
    "mlp": (ROW, mlp), "mlp_channel": (ROW, lambda: mlp(per_channel=True)),
    "cnn": (IMAGE, Residual), "cnn_channel": (IMAGE, lambda: Residual(per_channel=True)),
    "cnn_po2": (IMAGE, lambda: Residual(power_of_two=True, per_channel=True)),
    "line": ((2, 16), lambda: Joined(per_channel=True)),
}  # fmt: skip


def settled(model, shape, generator):
    """Observed on random frames, then frozen."""
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.3, generator=generator)
        for _ in range(8):
            model(torch.randn(64, *shape, generator=generator))
    return model.eval()


def store(name, folder, model, shape, generator):
    x = torch.randn(FRAMES, *shape, generator=generator)
    with torch.no_grad():
        np.savez_compressed(folder / f"{name}.npz", x=x.numpy(), y=model(x).numpy())
    return torch.randn(1, *shape, generator=generator)


def make(name, folder):
    generator = seeded(name)
    shape, build = NETWORKS[name]
    model = settled(build(), shape, generator)
    sample = store(name, folder, model, shape, generator)
    torch.onnx.export(model, (sample,), str(folder / f"{name}.script.onnx"), dynamo=False, opset_version=17)
    torch.onnx.export(model, (sample,), str(folder / f"{name}.dynamo.onnx"), dynamo=True, verbose=False)


def make_eager(folder):
    generator = seeded("eager")
    torch.backends.quantized.engine = "fbgemm"
    model = Eager().train()
    model.qconfig = QConfig(
        activation=FakeQuantize.with_args(observer=MovingAverageMinMaxObserver, quant_min=0, quant_max=127),
        weight=FakeQuantize.with_args(observer=MovingAverageMinMaxObserver, quant_min=-128, quant_max=127, dtype=torch.qint8,
                                      qscheme=torch.per_tensor_symmetric),
    )  # fmt: skip
    model = settled(prepare_qat(model), IMAGE, generator)
    model = convert(model)
    sample = store("eager", folder, model, IMAGE, generator)
    torch.onnx.export(model, (sample,), str(folder / "eager.script.onnx"), dynamo=False, opset_version=17)


def seeded(name):
    seed = sum(name.encode())
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or [*NETWORKS, "eager"]:
        make_eager(target) if name == "eager" else make(name, target)
