"""Single examples as tiles of a gallery: image, label, what is known of it, and a link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from memanalysis import wording
from memanalysis.reporting import blocks, inline_svg
from memanalysis.reporting.context import Reading


class Tiles:
    """Makes tiles of the examples of a study."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        table = reading.table("examples").select(
            "example_id", "label", "clean_label", "kind", "image", "source_id"
        )
        self._examples = {row["example_id"]: row for row in table.iter_rows(named=True)}
        suspects = reading.table("suspects").select(
            "example_id", "preferred", "votes", "hits_out", "n_out"
        )
        self._suspects = {row["example_id"]: row for row in suspects.iter_rows(named=True)}

    def train(
        self, example: int, figures: str, note: str | None = None, *, labelled: bool = True
    ) -> blocks.Tile:
        """A training example, which leads to its row in the explorer."""
        linked = example if self._reading.has("explorer") else None
        tile = self._tile(example, f"Training example {example}", figures, note, linked)
        return tile if labelled else replace(tile, label="")

    def trajectory(self, example: int, scores: list[float | None], shape: str) -> blocks.Tile:
        """A training example with its first and last score, its turn, and the curve of all."""
        ends = (scores[0], *_turn(scores, shape), scores[-1])
        scores_told = "\u200a→\u200a".join(wording.number(end, 2) for end in ends)
        tile = self.train(example, scores_told, "")
        return replace(tile, curve=inline_svg.curve(scores, shape))

    def was(self, example: int) -> str:
        """The label before it was changed, empty where it is the same or unknown.

        A blend shows two classes: its label is the one, its clean label the other.
        """
        row = self._known(example)
        clean = row["clean_label"]
        if clean is None or clean == row["label"]:
            return ""
        verb = "with" if row["kind"] == "blended" else "was"
        return f"{verb} {self._reading.class_name(clean)}"

    def called(self, example: int) -> str:
        """Class that held-out models call a suspect, and their number; empty for other examples."""
        row = self._suspects.get(example)
        if row is None:
            return ""
        if row["votes"] is None:  # predicted classes were not recorded
            return f"called otherwise by {row['n_out'] - row['hits_out']} of {row['n_out']}"
        name = self._reading.class_name(row["preferred"])
        return f"called {name} by {row['votes']} of {row['n_out']}"

    def test(self, example: int, figures: str, note: str | None = None) -> blocks.Tile:
        """A test example."""
        return self._tile(example, f"Test example {example}", figures, note, None)

    def label(self, example: int) -> str:
        """The name of the example's label."""
        return self._reading.class_name(self._known(example)["label"])

    def _tile(
        self, example: int, alt: str, figures: str, note: str | None, linked: int | None
    ) -> blocks.Tile:
        row = self._known(example)
        name, source = self._reading.class_name(row["label"]), row["source_id"]
        return blocks.Tile(
            image=inline_svg.data_uri(row["image"]),
            label=name,
            example=f"{example}" + (f" · {source}" if source else ""),
            alt=f"{alt}, labelled {name}",
            figures=figures,
            note=self._history(example, row) if note is None else note,
            linked=linked,
        )

    def _known(self, example: int) -> dict[str, Any]:
        nothing = dict.fromkeys(("label", "clean_label", "kind", "image", "source_id"))
        return self._examples.get(example, nothing)

    def _history(self, example: int, row: dict[str, Any]) -> str:
        """Facts beside the label: the one that it had, its kind, the class that models call it."""
        was, kind = self.was(example), row["kind"]
        kind = "" if kind in (None, "clean") else wording.KINDS.get(kind, kind.replace("_", " "))
        known = f"{was} ({kind})" if was and kind else was or kind
        return "; ".join(filter(None, (known, self.called(example))))


def _turn(scores: list[float | None], shape: str) -> list[float]:
    """The score at which a cap or u turns: the highest or lowest between the ends."""
    between = [score for score in scores[1:-1] if score is not None]
    turns = {"cap": max, "u": min}
    return [turns[shape](between)] if shape in turns and between else []
