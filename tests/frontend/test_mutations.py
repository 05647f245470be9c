"""Damaged copies of real models: each is compiled or refused, in bounded time, and nothing else ever happens."""

import random
import time
from pathlib import Path

import pytest

from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
from tests.frontend.mutation import mutated

MODELS = Path(__file__).parents[1] / "models"
SMALL = ("hello_world", "unsw_w2a2", "tfc_2w2a", "micro_speech_int8", "kws_dscnn_int8", "espcn_subpixel", "ad01_int8")
LARGE = ("rn08", "ic_resnet8_int8", "cnv_2w2a", "vww_mobilenet_int8", "kwsmlp_w3a3", "ad08", "vgg10_w8a8")
SECONDS = 30


def answer(data, input_type):
    """Seconds of CPU; the file is compiled, or refused by one of the frontend's errors or an operator's."""
    start = time.process_time()
    try:
        import_model(data, input_type=input_type)
    except CompileError as error:
        assert error.exit_status == 2 and error.code < "E200"
        assert all(line.isprintable() for line in str(error).splitlines())
        assert len(str(error)) < 4000
    return time.process_time() - start


def attack(name, seeds):
    data = (MODELS / f"{name}.onnx").read_bytes()
    for seed in seeds:
        rng = random.Random(f"{name} {seed}")
        damaged = mutated(data, rng)
        try:
            seconds = answer(damaged, rng.choice((None, None, "int8", "fixed<16,8>")))
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {type(error).__name__}: {error}") from error
        assert seconds < SECONDS, (name, seed, seconds)


@pytest.mark.parametrize("name", SMALL)
def test_damaged_models(name):
    attack(name, range(25))


@pytest.mark.long
@pytest.mark.parametrize("name", SMALL + LARGE)
@pytest.mark.parametrize("part", range(4))
def test_many_damaged_models(name, part):
    attack(name, range(1000 + 100 * part, 1100 + 100 * part))
