"""One world after the other through the rules, and how often each verdict came out."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from scipy import stats

from memanalysis.analysis.outcomes import Counts, Outcomes
from memanalysis.analysis.trajectories import classify_outcomes
from memanalysis.evidence.conditions import Condition, Evidence, alternating
from memanalysis.experiments.controls.drawing import Design, Draw, Truth, draw
from memanalysis.experiments.controls.truths import rates
from memanalysis.experiments.controls.worlds import WORLDS, Claim, World
from memanalysis.findings import (
    bimodality_grows,
    diversity,
    falling,
    inhibits_particularly,
    proxies_miss_trends,
)
from memanalysis.findings.verdicts import Verdict
from memanalysis.rules import load
from memanalysis.storage.atomic import write_bytes

MOST_FALSE: Final = 0.07  # of 100 absent worlds
LEAST_POWER: Final = 0.80  # of 100 planted worlds
_PACKAGES: Final = ("analysis", "evidence", "experiments/controls", "findings")
_FILES: Final = ("rules.py", "findings.toml")


@dataclass(frozen=True)
class Plan:
    """Number and size of worlds. Ratio .7 in groups of 10, or .5 in groups of 2."""

    rates: str = "fm"
    n_subsets: int = 200
    n_examples: int = 4_000
    n_worlds: int = 100
    seed: int = 0
    halves: bool = False

    @property
    def design(self) -> Design:
        """The subsets' design."""
        return Design(self.n_subsets, 2, 1) if self.halves else Design(self.n_subsets, 10, 3)


@dataclass(frozen=True)
class Result:
    """Verdicts of a rule in the worlds of one kind."""

    world: World
    claim: Claim
    plan: Plan
    verdicts: dict[str, int]

    @property
    def hits(self) -> int:
        """Worlds with the counted verdict."""
        return self.verdicts.get(self.claim.verdict, 0)

    @property
    def n_worlds(self) -> int:
        """Worlds drawn."""
        return sum(self.verdicts.values())

    @property
    def limits(self) -> tuple[float, float]:
        """Exact 95 % limits of the rate (Clopper & Pearson 1934)."""
        found = stats.binomtest(self.hits, self.n_worlds).proportion_ci(method="exact")
        return float(found.low), float(found.high)

    @property
    def holds(self) -> bool:
        """At most 7 % where the claim is absent, at least 80 % where it is planted."""
        rate = self.hits / self.n_worlds
        return rate <= MOST_FALSE if self.claim.kind == "absent" else rate >= LEAST_POWER


def run(
    plan: Plan, worlds: Sequence[World] = WORLDS, folder: Path | None = None
) -> Iterator[Result]:
    """Results of every world and claim; kept in ``folder`` and read from there the next time."""
    for world in worlds:
        file = None if folder is None else folder / f"{_key(plan, world)}.json"
        counted = _kept(file) or _counted(plan, world)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, json.dumps(counted, sort_keys=True).encode())
        for claim in world.claims:
            yield Result(world, claim, plan, counted[claim.rule])


def verdicts(world: World, plan: Plan, repeat: int) -> dict[str, Verdict]:
    """Verdicts, in one drawing of a world, of every rule that it is registered for."""
    name = f"{world.family}/{world.name}".encode()
    entropy = int.from_bytes(hashlib.sha256(name).digest()[:8], "big")
    rng = np.random.default_rng([plan.seed, repeat, entropy])
    given = rates(plan.rates)
    truth = world.make(rng, given, plan.n_examples)
    drawn = draw(truth, plan.design, rng)
    wanted = {claim.rule for claim in world.claims}
    return {
        rule: verdict
        for rule, verdict in _decided(world, truth, drawn, rng, wanted)
        if rule in wanted
    }


def cache_folder() -> Path:
    """Folder of results: memanalysis/controls below ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "memanalysis" / "controls"


def _counted(plan: Plan, world: World) -> dict[str, dict[str, int]]:
    counters: dict[str, Counter[str]] = {claim.rule: Counter() for claim in world.claims}
    for repeat in range(plan.n_worlds):
        for rule, verdict in verdicts(world, plan, repeat).items():
            counters[rule][verdict] += 1
    return {rule: dict(counter) for rule, counter in counters.items()}


def _decided(
    world: World, truth: Truth, drawn: Draw, rng: np.random.Generator, wanted: set[str]
) -> Iterator[tuple[str, Verdict]]:
    groups = [outcomes.group_counts() for outcomes in drawn.outcomes]
    if world.family == "ends":
        saturated = _saturated(groups[0])
        if "bimodality_grows" in wanted:
            yield "bimodality_grows", bimodality_grows.decide(groups[0], saturated).verdict
        if "falling" in wanted:
            yield "falling", falling.decide(groups[0], saturated).verdict
    elif world.family == "students":
        one_hot, distilled = groups
        sizes, tests = drawn.outcomes[0].sizes, drawn.test
        particular = inhibits_particularly.decide(one_hot, distilled, sizes)
        yield particular.rule, particular.verdict
        headline = inhibits_particularly.decide_headline(one_hot, distilled, tests[0], tests[1])
        yield headline.rule, headline.verdict
    elif world.family == "sizes":
        yield from _diversity(drawn.outcomes[0], groups[0])
    else:
        assert world.proxies is not None
        values = world.proxies(rng, truth.score[0])
        yield "proxies_miss_trends", _trends(drawn.outcomes[0], groups[0], values)


def _saturated(groups: Counts) -> list[int]:
    bound = load().common.saturated_accuracy_in
    return np.flatnonzero(np.nanmean(groups.sum(0).accuracy_in, axis=-1) >= bound).tolist()


def _diversity(outcomes: Outcomes, groups: Counts) -> Iterator[tuple[str, Verdict]]:
    """Rows ``increasing`` and ``fixed``, and F2, which takes ``falling`` as well."""
    n_groups, n_sizes, _ = groups.n_in.shape
    nothing = np.zeros((n_groups, n_sizes))
    condition = Condition(
        outcomes, np.arange(n_groups), groups, np.full(n_sizes, np.nan), nothing, nothing
    )
    steps = load().trajectories.alpha_by_n_out
    n_out = float(np.median(groups.sum(0).n_out))
    alpha = next((alpha for least, alpha in steps if n_out >= least), None)
    found = diversity.decide(Evidence(condition, alpha=alpha))
    rows = {check.row: check.verdict for check in found.checks}
    yield "increasing", rows["increasing"]
    yield "fixed", rows["fixed"]
    yield "trajectories_diverse", found.verdict


def _trends(outcomes: Outcomes, groups: Counts, values: np.ndarray) -> Verdict:
    half = alternating(np.arange(outcomes.n_groups))
    shapes, scores = [], []
    for side in (0, 1):
        counts = groups[half == side].sum(0)
        alpha = proxies_miss_trends.alpha_of_half(counts.n_out)
        mask = np.bitwise_or.reduce(outcomes.groups[half == side], axis=0)
        shapes.append(classify_outcomes(outcomes.keep(mask), alpha))
        scores.append(counts.memorization)
    names = [f"proxy {row + 1}" for row in range(values.shape[1])]
    return proxies_miss_trends.decide(np.stack(scores), values, names, shapes).verdict


def _kept(file: Path | None) -> dict[str, dict[str, int]] | None:
    if file is None or not file.is_file():
        return None
    counted: dict[str, dict[str, int]] = json.loads(file.read_text("utf-8"))
    return counted


def _key(plan: Plan, world: World) -> str:
    text = json.dumps([_sources(), world.family, world.name, *vars(plan).values()])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@cache
def _sources() -> str:
    """Digest of everything that a verdict in a world depends on."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        folder = resources.files("memanalysis") / package
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".toml")):
                digest.update(file.name.encode() + file.read_bytes())
    for name in _FILES:
        digest.update((resources.files("memanalysis") / name).read_bytes())
    return digest.hexdigest()
