"""IR → IR passes, one a file, and the order in which they run."""

from ..manager import Pass
from .ascending import ascending
from .bias_into_threshold import bias_into_threshold
from .bipolar_to_xnor import bipolar_to_xnor
from .compose_thresholds import compose_thresholds
from .dead import drop_dead
from .narrow_sums import narrow_sums
from .no_moves import no_moves
from .prune import prune
from .requantize import requantize
from .whole_windows import whole_windows

PIPELINE: tuple[Pass, ...] = (
    drop_dead,
    whole_windows,
    no_moves,
    compose_thresholds,
    prune,
    ascending,
    bipolar_to_xnor,
    bias_into_threshold,
    narrow_sums,
    requantize,
)
