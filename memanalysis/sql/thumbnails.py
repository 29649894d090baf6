"""Single examples as a notebook shows them: image, label, score, and the scores over sizes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import polars as pl

from memanalysis import numbers
from memanalysis.errors import QueryError

_MOST: Final = 200
# One row per example and size of the first objective; the order is that of the ids asked for.
_SQL: Final = """
with asked as (
    select unnest($ids) as example_id, unnest(range(len($ids))) as place
),
first as (
    select objective
    from memorization
    group by objective
    order by objective <> 'one_hot', objective
    limit 1
)
select place, a.example_id, e.split, coalesce(c.class_name, e.label::varchar) as label, e.image,
    m.size, m.size_rank, m.memorization
from asked as a
left join examples as e using (example_id)
left join classes as c on e.label = c.label
left join memorization as m
    on a.example_id = m.example_id and m.objective = (from first)
order by place, size_rank"""
_WIDTH, _HEIGHT, _PAD = 72, 24, 3


@dataclass(frozen=True)
class Thumbnails:
    """Some examples of a study; a notebook shows them as pictures, ``frame`` has their numbers.

    ``frame`` has one row per example and size: example_id, split, label, size, memorization.
    """

    frame: pl.DataFrame
    images: dict[int, bytes | None]

    def _repr_html_(self) -> str:
        tiles = self.frame.partition_by("place", maintain_order=True)
        return "".join(
            (
                '<div style="display:flex;flex-wrap:wrap;gap:10px">',
                *map(self._tile, tiles),
                "</div>",
            )
        )

    def __repr__(self) -> str:
        """Number of examples, and their numbers."""
        ids = self.frame["example_id"].unique(maintain_order=True).to_list()
        return f"<{len(ids)} examples: {', '.join(map(str, ids[:10]))}{', …' if ids[10:] else ''}>"

    def _tile(self, rows: pl.DataFrame) -> str:
        first, last = rows.row(0, named=True), rows.row(-1, named=True)
        image = self.images.get(first["example_id"])
        style = (
            "width:72px;height:72px;object-fit:contain;image-rendering:pixelated;background:#000"
        )
        drawn = (
            f'<img style="{style}" alt="" src="data:image/png;base64,'
            f'{base64.b64encode(image).decode()}">'
            if image
            else f'<div style="{style};background:none;border:1px dashed #999"></div>'
        )
        score = numbers.number(last["memorization"])
        lines = [f"№ {first['example_id']}", str(first["label"] or "no label"), f"score {score}"]
        text = "<br>".join(escape(line) for line in lines)
        curve = _curve(rows["memorization"].to_list())
        return (
            '<figure style="margin:0;font:11px/1.35 sans-serif;width:80px;overflow-wrap:anywhere">'
            f"{drawn}<figcaption>{text}</figcaption>{curve}</figure>"
        )


def read(
    sql: Callable[[str, dict[str, Any]], pl.DataFrame], ids: int | Sequence[int] | pl.Series
) -> Thumbnails:
    """The examples of ``ids``, at most 200, in their order.

    Raises
    ------
    QueryError
        If there are more, or one of them is no example.
    """
    wanted = [ids] if isinstance(ids, int) else [int(value) for value in ids]
    if len(wanted) > _MOST:
        raise QueryError(f"{len(wanted):,} examples were asked for: give at most {_MOST} ids.")
    frame = sql(_SQL, {"ids": wanted})
    absent = frame.filter(pl.col("split").is_null())["example_id"].to_list()
    if absent:
        raise QueryError(f"There is no example {absent[0]}; `from examples` has those there are.")
    images = dict(frame.select("example_id", "image").unique("example_id").iter_rows())
    return Thumbnails(frame.drop("image"), images)


def _curve(scores: Sequence[float | None]) -> str:
    """The scores over sizes as a small SVG; nothing where there are fewer than two."""
    if sum(score is not None for score in scores) < 2:
        return ""
    step = (_WIDTH - 2 * _PAD) / (len(scores) - 1)
    points = " ".join(
        f"{_PAD + i * step:.1f},{_HEIGHT - _PAD - max(score, 0) * (_HEIGHT - 2 * _PAD):.1f}"
        for i, score in enumerate(scores)
        if score is not None
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" aria-hidden="true"><polyline points="{points}" '
        'fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
