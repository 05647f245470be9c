"""An hls4ml project, written by hls4ml from a network's layers."""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError

NAME, STAMP = "bw_accel", "bitwright"
TEXTS = {".sh", ".yml", ".tcl", ".cpp", ".h", ".txt"}


@dataclass(frozen=True, slots=True)
class Layer:
    """What hls4ml is told of a layer: its attributes, its constants, which are integers over 2^fraction, its types by their
    roles, and how often a multiplier is reused."""

    attributes: dict[str, Any]
    types: dict[str, str]
    constants: dict[str, NDArray[np.int64]] = field(default_factory=dict[str, NDArray[np.int64]])
    fraction: int = 0
    reuse: int = 1


@dataclass
class Project:
    """The layers in order; `streamed` where there are images, as hls4ml calls it io_stream."""

    layers: list[Layer] = field(default_factory=list[Layer])
    streamed: bool = False


def write_project(made: Project, part: str, clock_mhz: float, folder: Path) -> None:
    """hls4ml's project of the layers, written into `folder` by hls4ml. Raises CompileError E390 if that is missing, E601 if it
    does not take the network.

    Its names of this run, a random stamp and the folder's path, are replaced, so that the same network gives the same files.
    """
    with redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stamp = _written(made, part, clock_mhz, folder)
        except ImportError as error:
            raise CompileError("E390", "hls4ml is not installed", hint="pip install 'bitwright[hls4ml]'") from error
        except Exception as error:  # it raises whatever comes
            hint = "compile with --backend hls, which has every operator"
            raise CompileError("E601", f"hls4ml does not take the network: {error}", hint=hint) from error
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in TEXTS:
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(stamp, STAMP).replace(str(folder), "."), encoding="utf-8")


def _written(made: Project, part: str, clock_mhz: float, folder: Path) -> str:
    """Write the project and return its stamp."""
    from hls4ml.model import ModelGraph
    from hls4ml.utils.config import create_config

    config: dict[str, Any] = create_config(
        output_dir=str(folder), project_name=NAME, backend="Vitis", part=part, clock_period=1000 / clock_mhz,
        io_type="io_stream" if made.streamed else "io_parallel",
    )  # fmt: skip
    names = {
        layer.attributes["name"]: {
            "Precision": layer.types, "ReuseFactor": layer.reuse, "Strategy": "Resource" if layer.reuse > 1 else "Latency",
        } for layer in made.layers
    }  # fmt: skip
    config["HLSConfig"] = {
        "Model": {"Precision": "ap_fixed<32,16>", "ReuseFactor": 1, "Strategy": "Latency"},
        "LayerName": names,
    }
    layers = [
        layer.attributes | {k: np.ldexp(v.astype(np.float64), -layer.fraction) for k, v in layer.constants.items()}
        for layer in made.layers
    ]
    model = ModelGraph.from_layer_list(config, layers, ["x"], [made.layers[-1].attributes["name"]])
    model.write()
    return str(model.config.config["Stamp"])
