"""Functions that hand out the same weights twice."""

import pytest
from torch import nn

from memanalysis.errors import SettingsError
from memanalysis.producer.families.imported import ImportedNetwork
from memanalysis.settings import Size

LAYER = nn.Linear(64, 3)


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
def test_models_that_share_weights_are_refused(seeds):
    """Alone, too: the next model would begin where this one ends."""
    size = Size("u", None, None, 1, "nets:make", 1)
    with pytest.raises(SettingsError, match="share weights"):
        ImportedNetwork(
            lambda *_: nn.Sequential(nn.Flatten(), LAYER), size, seeds,
            channels=1, classes=3, image_size=(8, 8),
        )  # fmt: skip
