"""Margins, each in a byte of the column ``margins.margins``."""

from typing import Final

# Whole multiples of the step, in logits, within +-31.75; and the mark of none.
MARGIN_STEP: Final = 0.25
NO_MARGIN: Final = -128
