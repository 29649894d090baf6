"""The section [ray]: which cluster trains, and what one training needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from memanalysis.settings.section import Section


@dataclass(frozen=True)
class Ray:
    """What ``--engine ray`` asks of a Ray cluster; no number in a store depends on it.

    ``address`` is Ray's own: ``auto`` for the cluster that this machine belongs to, or
    ``host:port``. ``cpus`` and ``gpus`` are reserved for each ensemble in training; a fraction of
    a GPU lets several share one. ``retries`` is how often an ensemble that was lost with its
    worker is trained again.
    """

    address: str = "auto"
    cpus: float = 1.0
    gpus: float = 0.0
    retries: int = 3


def read(section: Section) -> Ray:
    """Validate [ray]."""
    ray = Ray(
        address=section.get("address", str, Ray.address),
        cpus=section.get(
            "cpus",
            (float, int),
            Ray.cpus,
            valid=lambda v: v > 0,
            expected="processors for one ensemble, above 0",
        ),
        gpus=section.get(
            "gpus",
            (float, int),
            Ray.gpus,
            valid=lambda v: v == 1 or 0 <= v < 1,
            expected="0, a fraction of a GPU, or 1: one ensemble uses one GPU at most",
        ),
        retries=section.get(
            "retries", int, Ray.retries, valid=lambda v: v >= 0, expected="a whole number from 0"
        ),
    )
    section.finish()
    return ray
