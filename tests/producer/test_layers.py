"""Layers: narrow groups that are computed two by two are the groups one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from memanalysis.producer.families import layers


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2)])
@pytest.mark.parametrize(("channels_in", "channels"), [(1, 3), (4, 4), (2, 4)])
def test_pairs_of_groups_are_the_groups(kernel, stride, channels_in, channels):
    """Outputs and gradients of torch's own grouped convolution with the same weights."""
    generator = torch.Generator().manual_seed(0)
    ours = layers.convolution(6, channels_in, channels, kernel, stride=stride)
    theirs = nn.Conv2d(
        6 * channels_in, 6 * channels, kernel, stride, kernel // 2, groups=6, bias=False
    )
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(3, 6 * channels_in, 5, 5, generator=generator)
    gradients = []
    for layer in (ours, theirs):
        x = images.clone().requires_grad_()
        layer(x).square().sum().backward()
        gradients.append((layer(x), x.grad, layer.weight.grad))
    for mine, torchs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, torchs, atol=1e-4, rtol=1e-5)


def test_narrow_groups_are_paired_and_others_are_not(monkeypatch):
    """Up to four channels and an even number of groups; depthwise and wide groups stay."""
    seen, paired = [], layers.paired
    monkeypatch.setattr(layers, "paired", lambda w, g: seen.append(g) or paired(w, g))
    x = torch.randn(2, 40, 4, 4)
    for models, channels, depthwise in ((10, 4, False), (5, 8, False), (8, 5, False)):
        layers.convolution(models, 40 // models, channels, 3, depthwise=depthwise)(x)
    layers.convolution(10, 4, 4, 3, depthwise=True)(x)
    assert seen == [10]
