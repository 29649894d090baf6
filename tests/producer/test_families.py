"""Families: what they hold, and that their models do not feel each other."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from memanalysis import settings
from memanalysis.errors import SettingsError
from memanalysis.producer import families, training
from memanalysis.producer.families import imported
from memanalysis.producer.plan import seeds
from memanalysis.settings import Observe, Size, Training

N, CLASSES, SIDES = 60, 4, (8, 12)
SHAPE = {"channels": 3, "classes": CLASSES, "image_size": SIDES}

OWN = "own_networks_of_a_test:dropping"
SIZES = {
    "resnet": Size("resnet8w3", 8, 3, 1),
    "mobilenet": Size("mobilenetw0.25", None, 0.25, 1, "mobilenet"),
    "lenet": Size("lenetw1", None, 1, 1, "lenet"),
    "mlp": Size("mlp2w16", 2, 16, 1, "mlp"),
    "own": Size("dropping8", None, None, 1, OWN, 8),
}


def dropping(size, classes, channels, image_size):
    """A user's network with dropout and a view that wants the usual memory format."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(channels, size, 3, padding=1)
            self.drop = nn.Dropout(0.3)
            self.last = nn.Linear(size * image_size[0] * image_size[1], classes)

        def forward(self, x):
            x = self.drop(torch.relu_(self.first(x)))
            return self.last(x.view(len(x), -1))

    return Net()


@pytest.fixture(autouse=True)
def own_network(one_thread):
    """The network of this module's own is there for whoever asks for its family."""
    del one_thread
    imported.give(OWN, dropping)


@pytest.fixture(scope="module")
def images():
    """Sixty random colour images of 8x12 in four classes."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, *SIDES, 3, generator=generator)
    return training.Images(pixels, torch.randint(0, CLASSES, (N,), generator=generator))


def trained(images, ids, size):
    """Logits [models, N, classes] after five steps of ten examples."""
    members = []
    for i in ids:
        in_train = np.zeros(N, dtype=np.bool_)
        in_train[np.random.default_rng(i).permutation(N)[:50]] = True
        members.append(training.Member(f"model {i}", *seeds(1, i, size.name, "one_hot"), in_train))
    recipe = Training(epochs=1, batch_size=10, learning_rate=0.05)
    lesson = training.Lesson(recipe, Observe(dynamics="none"))
    return training.evaluate(training.train(images, members, size, lesson, CLASSES).network, images)


@pytest.mark.parametrize("family", SIZES)
def test_an_ensemble_equals_single_trainings(images, family):
    """After five steps the logits of three models together and of each alone agree within 1e-4."""
    together = trained(images, range(3), SIZES[family])
    assert together.shape == (3, N, CLASSES)
    alone = torch.cat([trained(images, [i], SIZES[family]) for i in range(3)])
    torch.testing.assert_close(alone, together, atol=1e-4, rtol=0)
    # Three models that had learned nothing of their own would agree as well.
    assert all((a - b).abs().max() > 1e-3 for a, b in pairwise(alone))


@pytest.mark.parametrize("family", SIZES)
def test_weights_at_the_start_are_a_models_own(family):
    """A model's outputs at the start are the same alone and in company, and seeds differ."""
    x = torch.randn(5, 3, *SIDES, generator=torch.Generator().manual_seed(1))
    alone = families.build(SIZES[family], [7], **SHAPE).eval()
    company = families.build(SIZES[family], [9, 7], **SHAPE).eval()
    assert company.parameters_per_model == alone.parameters_per_model
    together = company(x.repeat(1, 2, 1, 1))
    torch.testing.assert_close(together[1], alone(x)[0], atol=1e-5, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-4


def test_a_users_network_leaves_the_random_numbers_of_others_alone():
    """The state of torch's own generator is the same before and after making and training."""
    before = torch.get_rng_state()
    network = families.build(SIZES["own"], [1, 2], **SHAPE).train()
    network(torch.zeros(2, 6, *SIDES))
    assert torch.equal(torch.get_rng_state(), before)


def test_parameters_by_hand():
    """LeNet: 5x5 maps and features of 8x12 colour images; MLP likewise; MobileNet as published.

    LeNet 3*25*6+6 = 456, 6*25*16+16 = 2,416, then 2x3 pixels of 16 maps: 96*120+120 = 11,640,
    120*84+84 = 10,164, 84*4+4 = 340. MLP 288*16+16 = 4,624, 16*16+16 = 272, 16*4+4 = 68. The
    authors' MobileNetV3-Small has 2.5 million parameters for 1,000 classes, torchvision's
    2,542,856.
    """
    sizes = [SIZES["lenet"], SIZES["mlp"]]
    assert families.parameters(sizes, **SHAPE) == {"lenetw1": 25_016, "mlp2w16": 4_964}
    full = Size("mobilenetw1", None, 1, 1, "mobilenet")
    shape = {"channels": 3, "classes": 1000, "image_size": (32, 32)}
    assert families.parameters([full], **shape) == {"mobilenetw1": 2_542_856}


def test_widths_make_larger_networks():
    """Each multiplier of a range has more parameters than the one before."""
    for family, widths in (("mobilenet", (0.25, 0.5, 1, 1.5)), ("lenet", (0.25, 0.5, 1, 2))):
        sizes = [Size(f"{w}", None, w, 1, family) for w in widths]
        counts = list(families.parameters(sizes, **SHAPE).values())
        assert counts == sorted(set(counts))


@pytest.mark.parametrize("family", SIZES)
def test_activations_are_those_of_each_model(family):
    """In order from input to softmax, each [M, batch, ...], the same alone and in company."""
    x = torch.randn(5, 6, *SIDES, generator=torch.Generator().manual_seed(1))
    company = families.build(SIZES[family], [9, 7], **SHAPE).eval()
    alone = families.build(SIZES[family], [7], **SHAPE).eval()
    found, own = company.activations(x), alone.activations(x[:, 3:])
    assert list(found) == list(own)
    first, *_, last = found
    assert (first, last) == ("input", "softmax")
    assert len(found) > 3
    for name, values in found.items():
        assert values.shape[:2] == (2, 5)
        torch.testing.assert_close(values[1], own[name][0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found["input"][1], x[:, 3:])
    torch.testing.assert_close(found["softmax"], company(x).softmax(-1))


def test_a_module_may_say_its_activations_itself():
    """Then its children are not looked at."""

    class Talkative(nn.Linear):
        def forward(self, x):
            return super().forward(x.flatten(1))

        def activations(self, x):
            return {"mine": x.sum(1)}

    imported.give("talkative:net", lambda _s, classes, *_: Talkative(3 * 8 * 12, classes))
    network = families.build(Size("t", None, None, 1, "talkative:net", 1), [1, 2], **SHAPE)
    found = network.activations(torch.ones(4, 6, *SIDES))
    assert list(found) == ["input", "mine", "softmax"]
    assert found["mine"].shape == (2, 4, *SIDES)


NETS = """
from torch import nn

def fine(size, classes, channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * image_size[0] * image_size[1], classes))

def wrong_shape(size, classes, channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * image_size[0] * image_size[1], 9))

def raises(size, classes, channels, image_size):
    return {}[size]

def no_module(size, classes, channels, image_size):
    return size

def no_weights(size, classes, channels, image_size):
    return nn.Flatten()

def other_images(size, classes, channels, image_size):
    return nn.Linear(77, classes)

number = 3
"""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nets_of_a_test_not_there:fine", ["there is no module 'nets_of_a_test_not_there'"]),
        ("nets_of_a_test.deep:fine", ["no module 'nets_of_a_test.deep'"]),
        ("broken_nets_of_a_test:fine", ["importing 'broken_nets_of_a_test' failed with "
         "ModuleNotFoundError: No module named 'nothing_like_it'", "line 1"]),
        ("nets_of_a_test:fin", ["has no 'fin'", "Did you mean 'fine'?"]),
        ("nets_of_a_test:number", ["is int, which cannot be called"]),
        ("nets_of_a_test:wrong_shape", ["to [2, 9]; expected logits [2, 4]"]),
        ("nets_of_a_test:raises", ["raises(8, 4, 3, (8, 12)) failed with KeyError: 8", "line 11"]),
        ("nets_of_a_test:no_module", ["returned int", "Expected a function (size, classes"]),
        ("nets_of_a_test:no_weights", ["has no weights to train"]),
        ("nets_of_a_test:other_images", ["failed on images [2, 3, 8, 12] with RuntimeError"]),
    ],
)  # fmt: skip
def test_each_fault_of_a_users_function_is_one_message(tmp_path, monkeypatch, path, words):
    """The path, what was wrong, the user's own line, and what is expected."""
    (tmp_path / "nets_of_a_test.py").write_text(NETS)
    (tmp_path / "broken_nets_of_a_test.py").write_text("import nothing_like_it\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("nets_of_a_test", "broken_nets_of_a_test"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    # What `find` does with the study's folder; `build` finds the module again.
    sys.path.append(str(tmp_path))
    with pytest.raises(SettingsError) as caught:
        families.build(Size("a", None, None, 1, path, 8), [1], **SHAPE)
    for part in (f"sizes.family = '{path}'", *words):
        assert part in str(caught.value)
    monkeypatch.delitem(sys.modules, "nets_of_a_test", raising=False)


STUDY = """
name = "families"
[data]
source = "digits"
[subsets]
groups = 1
[sizes]
{sizes}
[training]
epochs = 1
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("depth = 8\nwidth = [2, 4]", ["resnet8w2", "resnet8w4"]),
        ("depth = [8, 14]\nwidth = 4", ["resnet8w4", "resnet14w4"]),
        ("family = 'mobilenet'\nwidth = [0.25, 1, 1.5]",
         ["mobilenetw0.25", "mobilenetw1", "mobilenetw1.5"]),
        ("family = 'mlp'\ndepth = 2\nwidth = [8, 16]", ["mlp2w8", "mlp2w16"]),
        ("family = 'lenet'\nwidth = [0.5, 1]\nensemble = {'lenetw0.5' = 2}",
         ["lenetw0.5", "lenetw1"]),
        ("family = 'my.nets:conv'\nsize = [8, 16]", ["conv8", "conv16"]),
        ("family = 'nets:conv'\nsize = ['small', 'large']", ["conv-small", "conv-large"]),
        ("depth = 8\n[[sizes.variant]]\nname = 'thin'\nwidth = 2\n"
         "[[sizes.variant]]\nname = 'deep'\ndepth = 20\nwidth = 2\nensemble = 10",
         ["thin", "deep"]),
    ],
)  # fmt: skip
def test_sizes_have_names(text, names):
    """From the family and its axis, or their own."""
    study = settings.parse(STUDY.format(sizes=text))
    assert [size.name for size in study.sizes] == names
    assert {size.family for size in study.sizes} == {study.family}


def test_variants_take_what_stands_beside_them():
    """A key of [sizes] holds for the variants without it; an ensemble is a variant's own."""
    text = "depth = 8\n[[sizes.variant]]\nname = 'a'\nwidth = 2\n[[sizes.variant]]\n"
    study = settings.parse(STUDY.format(sizes=text + "name = 'b'\nwidth = 2\ndepth = 14\n"
                                        "ensemble = 2"))  # fmt: skip
    assert [(s.depth, s.width, s.ensemble) for s in study.sizes] == [(8, 2, 10), (14, 2, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("family = 'vgg'\nwidth = 1", "expected one of resnet, mobilenet, lenet, mlp, or package"),
        ("family = 'mobilenet'\ndepth = 3\nwidth = 1", "unknown key sizes.depth"),
        ("family = 'lenet'\nwidth = [1, 0.5]", "expected distinct values, smallest first"),
        ("family = 'lenet'\nwidth = [1, 1.0]", "expected distinct values"),
        ("family = 'lenet'\nwidth = -1", "sizes.width has -1: expected a positive number"),
        ("family = 'nets:conv'", "sizes.size is missing: expected a number or a text"),
        ("family = 'nets:conv'\nsize = ['a/b']", "'conv-a/b' cannot be the name of a folder"),
        ("family = 'nets:conv'\nsize = ['a', 'A']", "conv-a would be the name of several sizes"),
        ("depth = 8\nvariant = 3", "expected tables [[sizes.variant]]"),
        ("[[sizes.variant]]\nname = 'a b'\ndepth = 8\nwidth = 2", "name = 'a b': expected letters"),
        ("[[sizes.variant]]\nname = 'a'\nwidth = 2", "sizes.variant 1.depth is missing"),
    ],
)
def test_wrong_sizes_are_named(text, words):
    """Key, value and expectation are in the message."""
    with pytest.raises(SettingsError) as caught:
        settings.parse(STUDY.format(sizes=text))
    assert words in str(caught.value)
