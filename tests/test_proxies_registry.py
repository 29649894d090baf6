"""The registry of proxies is complete and agrees with the findings."""

from __future__ import annotations

from memanalysis import proxies
from memanalysis.rules import load
from memanalysis.settings.observe import PROXIES


def test_every_proxy_that_can_be_asked_for_is_defined() -> None:
    """Each has a formula, a unit, a pass, a rule for the never learned and a source."""
    assert set(PROXIES) < set(proxies.PROXIES)
    for name, proxy in proxies.PROXIES.items():
        assert name == proxy.name
        words = (proxy.title, proxy.formula, proxy.unit, proxy.never_learned, proxy.source)
        assert all(words), name
        assert "pass" in proxy.evaluation_pass or "eval mode" in proxy.evaluation_pass
        assert proxies.find(f"{name}_clean") is proxy


def test_registered_proxies_are_those_of_the_findings() -> None:
    """Six, fixed before the data, and each points one way."""
    registered = {name for name, proxy in proxies.PROXIES.items() if proxy.registered}
    assert registered == set(load().trends.registered)
    assert len(registered) == 6
    assert all(proxies.orientation(name) for name in registered)
