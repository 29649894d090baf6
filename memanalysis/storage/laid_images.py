"""Pictures that a reader lays beside a store that ships none.

``images.parquet`` holds the table ``examples`` with its pictures. It is the reader's own: the
manifest does not list it, builds and imports leave it, and packing removes it. It carries the
SHA-256 of the ``examples.parquet`` that it was made from, and serves no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from memanalysis.errors import StoreError
from memanalysis.storage import atomic
from memanalysis.storage.names import table_file
from memanalysis.storage.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

FILE: Final = "images.parquet"
_STAMP: Final = b"memanalysis.examples_sha256"


def is_laid(store: Store) -> bool:
    """True if pictures lie beside ``store``.

    Raises
    ------
    StoreError
        If they are of other examples than the store's by now, or no file of its own.
    """
    path = store.path / FILE
    if path.is_symlink():
        raise StoreError(f"'{path}' is a link; expected a file of the store's own.")
    if not path.is_file():
        return False
    from memanalysis.storage.parquet import read_schema  # most stores have none to read

    stamp = (read_schema(path).metadata or {}).get(_STAMP, b"").decode("ascii", "replace")
    if stamp != _examples(store):
        raise StoreError(
            f"'{path}' has pictures of other examples than the store has by now. Lay them anew "
            f"(memanalysis images {store.path} --from FOLDER), or delete the file."
        )
    return True


def lay(store: Store, images: pa.Array) -> Path:
    """Write the pictures, PNG bytes or NULL for each example in order; return the file's path."""
    import pyarrow.parquet as pq

    from memanalysis.storage.parquet import parquet_options
    from memanalysis.storage.schema import EXAMPLES

    examples = store.read_table("examples")
    place = EXAMPLES.get_field_index("image")
    table = examples.select(EXAMPLES.names).set_column(place, "image", images).cast(EXAMPLES)
    table = table.replace_schema_metadata({_STAMP: _examples(store).encode()})
    path = store.path / FILE
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, **parquet_options(EXAMPLES))
    return path


def differing(store: Store) -> list[str]:
    """Columns besides the pictures that are not those of ``examples``; of a sound file none."""
    from memanalysis.storage.parquet import read_parquet
    from memanalysis.storage.schema import EXAMPLES

    laid, examples = read_parquet(store.path / FILE), store.read_table("examples")
    return [
        name
        for name in EXAMPLES.names
        if name != "image" and (name not in laid.column_names or laid[name] != examples[name])
    ]


def _examples(store: Store) -> str:
    return str(store.manifest.files.get(table_file("examples"), {}).get("sha256", ""))
