import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from memanalysis.experiments.controls.__main__ import main
from memanalysis.experiments.controls.attacks import ATTACKS
from memanalysis.experiments.controls.tables import table
from memanalysis.experiments.controls.trials import Plan, Result, run, verdicts
from memanalysis.experiments.controls.truths import rates
from memanalysis.experiments.controls.worlds import WORLDS, Claim, Kind, World
from memanalysis.findings.verdicts import SUPPORTED, UNDETERMINED

REPEATS = 20
# A rule that is wrong in 5 % of worlds is so in more than 3 of 20 with probability .016; one with a
# power of .9 shows it in fewer than 15 of 20 with probability .011. Seeds are fixed.
MOST_FALSE = 3
LEAST_POWER = 15
PLAN = Plan(n_examples=1_500, n_worlds=REPEATS)
# What is planted is registered with 4,000 images: 1.6 % of 1,500 are too few to see.
PLANTED = replace(PLAN, n_examples=4_000)
# Known: a proxy that is cut off ever lower lets the middle of its scale rise against its top.
LIMIT = "level under a falling ceiling"


def _with(kind: Kind) -> list[World]:
    """The worlds that register a claim of this kind."""
    return [world for world in WORLDS if any(claim.kind == kind for claim in world.claims)]


@pytest.mark.slow
def test_nothing_is_found_where_it_is_absent() -> None:
    """In 20 worlds of each kind a rule is wrong at most 3 times, but for the one known limit."""
    wrong = {
        (r.claim.rule, r.world.name): r.hits
        for r in run(PLAN, _with("absent"))
        if r.claim.kind == "absent" and r.hits > MOST_FALSE
    }
    assert list(wrong) == [("proxies_miss_trends", LIMIT)]


@pytest.mark.slow
def test_what_is_planted_is_found() -> None:
    """In 20 worlds of each kind a rule finds what was planted at least 15 times."""
    planted = [r for r in run(PLANTED, _with("planted")) if r.claim.kind == "planted"]
    assert {(r.claim.rule, r.world.name): r.hits for r in planted if r.hits < LEAST_POWER} == {}
    assert {r.claim.rule for r in planted} == {c.rule for w in WORLDS for c in w.claims}


def test_every_rule_has_absent_planted_and_attacking_worlds() -> None:
    """Each finding and row is registered with both kinds, and attacked by three worlds or more."""
    kinds = Counter((c.rule, c.kind) for w in WORLDS if not w.attack for c in w.claims)
    rules = {rule for rule, _ in kinds}
    assert set(kinds) == {(rule, kind) for rule in rules for kind in ("absent", "planted")}
    attacks = Counter(c.rule for w in WORLDS if w.attack for c in w.claims)
    # ``increasing`` and ``fixed`` are version 2's rules, unchanged: F2 is attacked as a whole.
    assert {rule for rule in rules if attacks[rule] < 3} == {"increasing", "fixed"}


def test_somebody_else_attacks_every_rule() -> None:
    """At least three further worlds for each rule, under names of their own."""
    attacks = Counter(claim.rule for world in ATTACKS for claim in world.claims)
    assert set(attacks) == {claim.rule for world in WORLDS for claim in world.claims}
    assert min(attacks.values()) >= 3
    names = {(world.family, world.name) for world in (*WORLDS, *ATTACKS)}
    assert len(names) == len(WORLDS) + len(ATTACKS)


@pytest.mark.parametrize("world", ATTACKS, ids=lambda world: f"{world.family}: {world.name}")
def test_attacks_are_worlds(world: World) -> None:
    """Rates are rates, and every rule that a world is registered for says something of it."""
    truth = world.make(np.random.default_rng(0), rates("cf"), 500)
    for values in (truth.inside, truth.outside):
        assert ((values >= 0) & (values <= 1)).all()
    found = verdicts(world, Plan("cf", n_subsets=50, n_examples=300), 0)
    assert set(found) == {claim.rule for claim in world.claims}


def test_worlds_are_reproducible_and_differ() -> None:
    """The same world and repeat give the same rates; names tell worlds apart."""
    world = WORLDS[0]
    plan = Plan(n_examples=200)
    assert verdicts(world, plan, 3) == verdicts(world, plan, 3)
    assert len({(w.family, w.name) for w in WORLDS}) == len(WORLDS)


def test_rates_are_those_of_the_studies() -> None:
    """fm and pl hold the studies' share of images that are never wrong; cf has a mean of .53."""
    rng = np.random.default_rng(0)
    assert (rates("fm").draw(rng, 20_000) == 1).mean() == pytest.approx(0.553, abs=0.02)
    assert (rates("pl").draw(rng, 20_000) == 1).mean() == pytest.approx(0.3605, abs=0.02)
    assert rates("cf").draw(rng, 20_000).mean() == pytest.approx(0.53, abs=0.01)
    with pytest.raises(ValueError, match="'xy'; give one of fm, pl, cf"):
        rates("xy")


def test_results_are_kept_by_plan_and_world(tmp_path: Path) -> None:
    """A second run reads what the first one counted; another plan counts anew."""
    plan = Plan(n_examples=300, n_worlds=2)
    first = next(run(plan, WORLDS[:1], tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps({"bimodality_grows": {SUPPORTED: 2}, "falling": {SUPPORTED: 2}}))
    assert next(run(plan, WORLDS[:1], tmp_path)).verdicts == {SUPPORTED: 2}
    again = next(run(Plan(n_examples=300, n_worlds=2, seed=1), WORLDS[:1], tmp_path))
    assert again.n_worlds == first.n_worlds == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_tables_mark_what_breaks_its_bound() -> None:
    """Rate, exact limits and the counts of each verdict; a broken bound is marked."""
    world = World("w", "ends", WORLDS[0].make, (Claim("falling", "absent"),))
    bad = Result(world, world.claims[0], PLAN, {SUPPORTED: 8, UNDETERMINED: 92})
    assert "| falling | w |  | S | .08 [.04, .15] **x**; S 8 U 92 |" in table([bad], "absent")
    good = Result(world, world.claims[0], PLAN, {SUPPORTED: 7, UNDETERMINED: 93})
    assert "**x**" not in table([good], "absent")


def test_command_prints_both_tables(tmp_path: Path) -> None:
    """One rule's worlds, tiny: two tables, or that of attacks; an unknown rule is refused."""
    few = ["--worlds", "1", "--examples", "300", "--models", "50", "--cache", str(tmp_path)]
    told = CliRunner().invoke(main, [*few, "--rule", "falling"])
    assert told.exit_code == 0
    assert "False verdicts where the claim is absent" in told.stdout
    assert "Power where it is planted" in told.stdout
    assert "bimodality_grows" not in told.stdout
    told = CliRunner().invoke(main, [*few, "--attacks", "--rule", "fixed"])
    assert told.exit_code == 0
    lines = [line for line in told.stdout.splitlines() if line.startswith("| fixed")]
    assert len(lines) == 3
    assert all("| absent | S |" in line for line in lines)
    refused = CliRunner().invoke(main, ["--rule", "fallin"])
    assert refused.exit_code == 2
    assert "no world tests 'fallin'" in refused.output
