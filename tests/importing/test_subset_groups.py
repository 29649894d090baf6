"""Groups that the subsets of a second import join, on masks typed by hand."""

import numpy as np

from memanalysis.importing.subset_groups import Subsets, examine

MASKS = np.unpackbits(np.arange(1, 9, dtype=np.uint8)[:, None], axis=1).astype(bool)


def place(subsets: Subsets, models: list[int], declared: list[int]) -> dict[int, tuple[int, int]]:
    """(subset_id, group_id) by model."""
    design = examine((MASKS[m] for m in models), len(models), MASKS.shape[1])
    return dict(zip(models, subsets.place(design, declared), strict=True))


def test_a_group_is_joined_by_its_known_members() -> None:
    """Another size trained other subsets of the same groups: each goes where its fellows are."""
    subsets = Subsets()
    place(subsets, [0, 1, 4], [7, 7, 9])
    second = place(subsets, [1, 2, 4, 5, 6], [7, 7, 9, 9, 11])
    assert second == {1: (1, 0), 2: (3, 0), 4: (2, 1), 5: (4, 1), 6: (5, 2)}
    assert (subsets.n_subsets, subsets.n_groups) == (6, 3)


def test_a_group_whose_members_are_in_several_joins_none() -> None:
    """What the store knows is not regrouped; the fresh subset starts a group."""
    subsets = Subsets()
    place(subsets, [0, 1], [0, 1])
    assert place(subsets, [0, 1, 2], [5, 5, 5]) == {0: (0, 0), 1: (1, 1), 2: (2, 2)}
