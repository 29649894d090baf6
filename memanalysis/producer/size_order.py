"""The order of sizes, which is the study file's: is it one of growing networks?"""

from __future__ import annotations

from memanalysis.storage.store import Store


def note(store: Store) -> str | None:
    """A sentence where a size has no more parameters than the one before it; else None.

    ``store`` is built; parameters are those that were counted from the trained networks.
    """
    table = store.read_table("models", ["size", "size_rank", "parameters"])
    rows = table.group_by(["size", "size_rank"]).aggregate([("parameters", "max")]).to_pylist()
    rows.sort(key=lambda row: row["size_rank"])
    counts = [row["parameters_max"] for row in rows]
    if counts == sorted(set(counts)):
        return None
    listed = ", ".join(f"{row['size']} {row['parameters_max']:,}" for row in rows)
    return (
        f"The number of parameters does not grow from size to size: {listed}. "
        "Trajectories follow the order of the study file."
    )
