"""A board: the chip's resources, its clock and streams, and the flow that hands a design over. One TOML file a board.

Every `*.toml` in this folder is a board; a path to a file of one's own does as well. `base = "pynq-z2"` takes all that
the file does not say from that board.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from math import floor
from pathlib import Path
from typing import Any, TypeVar, cast

from bitwright.boards.family import Family, list_families, load_family
from bitwright.errors import CompileError

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of each resource that a plan may use, above 0 to 1."""

    lut: float = 0.70
    ff: float = 0.50
    bram: float = 0.80
    uram: float = 0.80
    dsp: float = 0.80


@dataclass(frozen=True, slots=True)
class Resources:
    """Amounts of what a chip has. A BRAM is one of 36 kb; smaller ones count as their share."""

    lut: int
    ff: int
    bram36: float
    uram: int
    dsp: int


@dataclass(frozen=True, slots=True)
class Uart:
    """The serial line of a board: the chip's pins (`rx` is where the chip hears), their standard, and bits a second.

    `led` is the pin of a status light, if there is one; `led_low` says that a low level lights it.
    """

    rx: str
    tx: str
    baud: int = 1_000_000
    io: str = "LVCMOS33"
    led: str = ""
    led_io: str = ""
    led_low: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """The chip by the names that place and route gives it."""

    name: str
    package: str = ""
    speed: str = ""


@dataclass(frozen=True, slots=True)
class Vitis:
    """The platform that Vitis links kernels into, and its memories as `v++` names them: `memory[0]` to `memory[banks - 1]`."""

    platform: str
    memory: str = "DDR"
    banks: int = 1


@dataclass(frozen=True, slots=True)
class Board:
    """What the compiler needs to know of a board. Clocks in MHz, memory bandwidth in GB/s (10⁹ bytes)."""

    name: str
    part: str
    family: str
    flow: str
    lut: int
    ff: int
    bram36: float
    dsp: int
    clock_mhz: float
    title: str = ""
    board_part: str = ""
    aliases: tuple[str, ...] = ()
    uram: int = 0
    dsp_kind: str = ""
    clock_pin: str = ""
    clock_pin_mhz: float | None = None
    stream_bits: int = 64
    memory_gb_s: float | None = None
    limits: Limits = field(default_factory=Limits)
    uart: Uart | None = None
    device: Device | None = None
    vitis: Vitis | None = None

    @property
    def chip_family(self) -> Family:
        """The facts that the board's chip shares with its family."""
        return load_family(self.family)

    @property
    def open_flow(self) -> str:
        """What can be done without a vendor's tool: "bitstream", "synthesis" or "" for nothing beyond simulation."""
        if self.device is not None and self.uart is not None and self.chip_family.package:
            return "bitstream"
        return "synthesis" if self.chip_family.alone and not self.chip_family.synthesis else ""

    @property
    def shell(self) -> Resources:
        """What the flow puts around an accelerator, as far as it is known beforehand."""
        shell, block = self.chip_family.shell, self.chip_family.chip.block
        if self.flow != "uart":
            return Resources(0, 0, 0.0, 0, 0)
        return Resources(shell.lut, shell.ff, shell.bram * block, 0, 0)

    @property
    def usable(self) -> Resources:
        """What a plan may use: the chip times the limits, rounded down (BRAMs to the smallest there are)."""
        block = self.chip_family.chip.block
        return Resources(
            lut=floor(self.lut * self.limits.lut),
            ff=floor(self.ff * self.limits.ff),
            bram36=floor(self.bram36 / block * self.limits.bram + 1e-6) * block,
            uram=floor(self.uram * self.limits.uram),
            dsp=floor(self.dsp * self.limits.dsp),
        )

    def with_margin(self, margin: float) -> "Board":
        """The board of which a plan leaves that share of every resource free."""
        return replace(self, limits=Limits(**{limit.name: 1 - margin for limit in fields(Limits)}))


def load_board(name_or_path: str | Path) -> Board:
    """The board of that name or alias (case and '_' for '-' do not matter), or the one in that .toml file."""
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text:
        return _read_board(Path(name_or_path))
    boards = list_boards()
    wanted = _folded(text)
    for board in boards:
        if wanted in map(_folded, (board.name, *board.aliases)):
            return board
    known = sorted({name for board in boards for name in (board.name, *board.aliases)})
    raise CompileError("E401", f"there is no board {text[:80]!r}", hint=_choices(wanted, known, "boards"))


def list_boards() -> list[Board]:
    """Every board that comes with Bitwright, by name."""
    return [_read_board(path) for path in sorted(FOLDER.glob("*.toml"))]


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-")


def _choices(wrong: str, known: list[str], what: str) -> str:
    """A hint: the nearest name if one is near, and all of them."""
    near = difflib.get_close_matches(wrong, known, n=1)
    did_you_mean = f"did you mean {near[0]!r}? " if near else ""
    return f"{did_you_mean}{what}: {', '.join(known)}"


# Reading. A board file may be the user's own, and parts of it end up in Tcl: every field is checked.

_Part = TypeVar("_Part", Limits, Uart, Device, Vitis)
_Check = Callable[[Any], bool]
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]{0,63}")


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a field must be, as a check and in words."""

    check: _Check
    says: str


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and value >= 0


def _is_title(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= 80


def _is_board_part(value: Any) -> bool:
    return isinstance(value, str) and all(map(_is_word, value.split(":")))


def _is_list_of_words(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_word, cast(list[Any], value)))


def _is_stream_width(value: Any) -> bool:
    return _is_count(value) and 8 <= value <= 1024 and value & (value - 1) == 0


_NAME = _Rule(_is_word, "a word of letters, digits and '_.+-'")
_COUNT = _Rule(_is_count, "a whole number from 0")
_SOME = _Rule(lambda value: _is_count(value) and value > 0, "a whole number from 1")
_POSITIVE = _Rule(lambda value: _is_number(value) and value > 0, "a number above 0")
_SHARE = _Rule(lambda value: _is_number(value) and 0 < value <= 1, "a number above 0 and up to 1")

_FLAG = _Rule(lambda value: isinstance(value, bool), "true or false")
_TABLE = _Rule(lambda value: isinstance(value, dict), "a table")

_RULES: dict[str, _Rule] = {
    "name": _NAME,
    "part": _NAME,
    "family": _Rule(lambda value: value in list_families(), f"one of {', '.join(list_families())}"),
    "flow": _NAME,
    "lut": _SOME,
    "ff": _SOME,
    "bram36": _Rule(lambda value: _is_number(value) and value >= 0, "a number from 0"),
    "bram": _COUNT,
    "dsp": _COUNT,
    "clock_mhz": _POSITIVE,
    "title": _Rule(_is_title, "one line of text"),
    "board_part": _Rule(_is_board_part, "words with ':' between them, as Vivado names boards"),
    "aliases": _Rule(_is_list_of_words, f"a list, each {_NAME.says}"),
    "uram": _COUNT,
    "dsp_kind": _NAME,
    "clock_pin": _NAME,
    "clock_pin_mhz": _POSITIVE,
    "stream_bits": _Rule(_is_stream_width, "a power of two from 8 to 1024"),
    "memory_gb_s": _POSITIVE,
    "limits": _TABLE,
    "uart": _TABLE,
    "device": _TABLE,
    "vitis": _TABLE,
}
_PIN = _Rule(_is_word, "a pin's name")
_UART_RULES = {
    "rx": _PIN,
    "tx": _PIN,
    "baud": _Rule(lambda value: _is_count(value) and 300 <= value <= 12_000_000, "from 300 to 12000000"),
    "io": _NAME,
    "led": _PIN,
    "led_io": _NAME,
    "led_low": _FLAG,
}
_PART = _Rule(lambda value: isinstance(value, str) and _DEVICE.fullmatch(value) is not None, "a device's name")
_DEVICE_RULES = {"name": _PART, "package": _NAME, "speed": _NAME}
_VITIS_RULES = {"platform": _NAME, "memory": _NAME, "banks": _SOME}
_LIMIT_RULES = {limit.name: _SHARE for limit in fields(Limits)}


def save_board(board: Board, path: Path) -> None:
    """Keep a board beside a design, for `saved_board`."""
    table = _told(asdict(board))
    path.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _told(table: dict[str, Any]) -> dict[str, Any]:
    """What is not empty of a table and of those in it."""
    told = {key: _told(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in told.items() if value not in (None, "", ())}


def saved_board(path: Path) -> Board:
    """The board of a design. CompileError E402 or E403 where the file was changed to something else."""
    where = f"board file {str(path)!r}"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CompileError("E402", f"cannot read the {where}: {error}", hint="compile the model again") from None
    return _board(table, where)


def _read_board(path: Path) -> Board:
    table = _read_toml(path)
    where = f"board file {str(path)!r}"
    base = table.pop("base", None)
    return _board(table if base is None else _over_base(base, table, where), where)


def _board(table: dict[str, Any], where: str) -> Board:
    _check(table, _RULES, where)
    if "bram" in table and "family" in table:
        table["bram36"] = table.pop("bram") * load_family(table["family"]).chip.block
    missing = [key for key in _required(Board) if key not in table]
    if missing:
        raise CompileError("E403", f"{where} does not say {', '.join(missing)}", hint="see docs/boards.md")
    limits, uart, device, vitis = (table.pop(name, None) for name in ("limits", "uart", "device", "vitis"))
    table["aliases"] = tuple(table.get("aliases", ()))
    return Board(
        **table,
        limits=_part(Limits, limits or {}, _LIMIT_RULES, f"{where}, [limits]"),
        uart=uart and _part(Uart, uart, _UART_RULES, f"{where}, [uart]"),
        device=device and _part(Device, device, _DEVICE_RULES, f"{where}, [device]"),
        vitis=vitis and _part(Vitis, vitis, _VITIS_RULES, f"{where}, [vitis]"),
    )


def _part(made: type[_Part], table: dict[str, Any], rules: dict[str, "_Rule"], where: str) -> _Part:
    """A table of the file as what it says."""
    _check(table, rules, where)
    missing = [key for key in _required(made) if key not in table]
    if missing:
        raise CompileError("E403", f"{where} does not say {', '.join(missing)}", hint="see docs/boards.md")
    return made(**table)


def _required(made: type[Any]) -> list[str]:
    return [f.name for f in fields(made) if f.default is MISSING and f.default_factory is MISSING]


def _over_base(base: Any, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The file of the board `base`, with what `table` says in its place. The aliases stay with the base."""
    names = [path.stem for path in sorted(FOLDER.glob("*.toml"))]
    if base not in names:
        raise CompileError("E403", f"{where}: there is no base {base!r}", hint=_choices(str(base), names, "boards"))
    below = _read_toml(FOLDER / f"{base}.toml")
    merged = {**below, "aliases": [], **table}
    for key in ("bram", "bram36"):
        if key in table:
            merged.pop("bram36" if key == "bram" else "bram", None)
    for key in ("limits", "uart", "device", "vitis"):
        if isinstance(table.get(key), dict):
            merged[key] = {**below.get(key, {}), **table[key]}
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CompileError("E402", f"there is no board file {str(path)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CompileError("E402", f"cannot read the board file {str(path)!r}: {reason}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CompileError("E402", f"the board file {str(path)!r} is no TOML: {error}") from None


def _check(table: dict[str, Any], rules: dict[str, _Rule], where: str) -> None:
    """Every key is known and its value what the rule says, else E403."""
    for key, value in table.items():
        rule = rules.get(key)
        if rule is None:
            raise CompileError("E403", f"{where}: unknown key {key[:80]!r}", hint=_choices(key, sorted(rules), "keys"))
        if not rule.check(value):
            raise CompileError("E403", f"{where}: {key} must be {rule.says}, not {str(value)[:80]!r}")
