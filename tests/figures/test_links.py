"""Charts say which call made them, and are linked by what their legend names."""

from collections.abc import Iterator
from typing import Any

import pytest

from memanalysis import charts
from memanalysis.figures import BY_NAME
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Iterator[Study]:
    """The simulated study, opened."""
    opened = Study(simulated_store)
    yield opened
    opened.close()


def conditions(spec: dict[str, Any]) -> list[Any]:
    """The conditions on opacity of a specification's views."""
    inner = spec.get("spec", spec)
    views = [view.get("encoding", {}) for view in inner.get("layer", [inner])]
    return [view["opacity"]["condition"] for view in views if "opacity" in view]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_chart_knows_its_call(study: Study, name: str) -> None:
    """Every public chart, drawn by default, is drawn by its name alone."""
    assert getattr(charts, name)(study).usermeta["call"] == f"{name}(study)"


def test_a_call_names_what_differs_from_the_defaults(study: Study) -> None:
    """Arguments given by place come back by name, defaults are left out, and the call runs."""
    chart = charts.proxy_correlations(study, "one_hot", "change")
    call = chart.usermeta["call"]
    assert call == "proxy_correlations(study, quantity='change')"
    again = eval(f"charts.{call}", {"charts": charts, "study": study})
    assert again.to_dict() == chart.to_dict()


def test_charts_with_a_legend_are_linked_by_its_field(study: Study) -> None:
    """Two selections of the field that the legend names fade every view that has its colours."""
    spec = charts.accuracy(study).to_dict()
    assert [param["name"] for param in spec["params"]] == ["pointed", "picked"]
    assert all(param["select"]["fields"] == ["objective"] for param in spec["params"])
    assert len(conditions(spec)) == 3
    for condition in conditions(spec):
        assert condition["test"] == {"and": [{"param": "pointed"}, {"param": "picked"}]}


def test_a_faded_mark_comes_back_as_it_was(study: Study) -> None:
    """What is kept keeps the opacity that its mark had."""
    values = {rule["value"] for rule in conditions(charts.memorization_by_class(study).to_dict())}
    assert values == {1}


def test_charts_without_a_legend_are_not_linked(study: Study) -> None:
    """Where colour only repeats the axis or the panel, nothing fades."""
    for name in ("trajectory_shares", "trajectory_sweep", "example_curves"):
        spec = getattr(charts, name)(study).to_dict()
        assert "params" not in spec
        assert conditions(spec) == []
