"""Proxies from gradients, embeddings and a second training, against slow readings of formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from memanalysis.errors import TrainingError
from memanalysis.producer import families, training
from memanalysis.producer.families import imported
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.producer.plan import seeds
from memanalysis.producer.recorders import Ensemble, Recorder, depth, gradients
from memanalysis.producer.recorders.second_split import second_split_forgetting
from memanalysis.proxies import PROXIES
from memanalysis.settings import Observe, Size, Training

N, MODELS, CLASSES = 24, 2, 3
SIZE = Size("resnet8w2", 8, 2, 1)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    """Random images of 5x5 in two channels and three classes."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, 5, 5, 2, generator=generator)
    return training.Images(pixels, torch.arange(N) % CLASSES)


@pytest.fixture
def network(images):
    """Two models whose normalisation has seen the images."""
    made = EnsembleResNet([3, 4], depth=8, width=2, channels=2, classes=CLASSES)
    made.train()
    made(images.batch(torch.arange(N).expand(MODELS, -1)))
    return made.eval()


def members(ids, n_in=16):
    """Models with a subset of ``n_in`` examples."""
    made = []
    for i in ids:
        in_train = np.zeros(N, dtype=np.bool_)
        in_train[np.random.default_rng(i).permutation(N)[:n_in]] = True
        made.append(training.Member(f"model {i}", *seeds(1, i, SIZE.name, "one_hot"), in_train))
    return made


def own_loss(network, model, pixels, label):
    """The loss of one model on one image [H, W, channels]."""
    x = pixels.permute(2, 0, 1).repeat(MODELS, 1, 1).unsqueeze(0)
    return torch.nn.functional.cross_entropy(network(x)[model], label.view(1))


def slow_gradient(network, model, pixels, label):
    """d loss / d pixels of one model and one image."""
    pixels = pixels.clone().requires_grad_()
    return torch.autograd.grad(own_loss(network, model, pixels, label), pixels)[0]


def test_loss_sensitivity_is_the_mean_l1_norm_of_input_gradients(images, network):
    """The mean over two networks of the sum of absolute derivatives, one image at a time."""
    other = EnsembleResNet([5, 6], depth=8, width=2, channels=2, classes=CLASSES).eval()
    watch = gradients.InputGradients({"loss_sensitivity": (2, 3)}, images, [0, 1])
    for epoch, now in enumerate((network, network, other), start=1):
        watch.update(epoch, now)  # epoch 1 is not asked for
    found = watch.result()["loss_sensitivity"]
    for model in range(MODELS):
        for i in range(N):
            expected = sum(
                slow_gradient(n, model, images.pixels[i], images.labels[i]).abs().sum().item()
                for n in (network, other)
            )
            assert found[model, i].item() == pytest.approx(expected / 2, rel=1e-4)


def test_curvature_is_the_mean_norm_of_differences(images, network):
    """Ten directions of signs drawn by each model's own generator, one image at a time."""
    watch = gradients.InputGradients({"curvature": (3,)}, images, [10, 11])
    watch.update(3, network)
    found = watch.result()["curvature"]
    for model, seed in enumerate((10, 11)):
        generator = torch.Generator().manual_seed(seed ^ 3)
        signs = [
            torch.randint(0, 2, (N, 2, 5, 5), generator=generator).mul(2).sub(1) for _ in range(10)
        ]
        for i in range(0, N, 5):
            pixels, label = images.pixels[i], images.labels[i]
            at_rest = slow_gradient(network, model, pixels, label)
            norms = [
                (
                    slow_gradient(network, model, pixels + 1e-3 * v[i].permute(1, 2, 0), label)
                    - at_rest
                )
                .norm()
                .item()
                for v in signs
            ]
            assert found[model, i].item() == pytest.approx(sum(norms) / 10, rel=1e-2, abs=1e-6)


def test_curvature_of_a_linear_model_is_that_of_its_hessian(images):
    """For logits W x the Hessian is W'(diag p - p p')W: the norm of h H v, by matrix algebra."""
    generator = torch.Generator().manual_seed(1)
    weight = 0.3 * torch.randn(CLASSES, 50, generator=generator)

    class Linear(torch.nn.Module):
        models = 1

        def forward(self, x):
            return (x.flatten(1) @ weight.T).unsqueeze(0)

    watch = gradients.InputGradients({"curvature": (1,)}, images, [7])
    watch.update(1, Linear())
    found = watch.result()["curvature"][0]
    draws = torch.Generator().manual_seed(7 ^ 1)
    signs = [torch.randint(0, 2, (N, 2, 5, 5), generator=draws).mul(2).sub(1) for _ in range(10)]
    for i in range(N):
        p = (weight @ images.pixels[i].permute(2, 0, 1).flatten()).softmax(0)
        hessian = weight.T @ (torch.diag(p) - torch.outer(p, p)) @ weight
        norms = [(1e-3 * hessian @ v[i].flatten().float()).norm().item() for v in signs]
        assert found[i].item() == pytest.approx(sum(norms) / 10, rel=5e-3)


def test_vog_is_the_deviation_of_logit_gradients_over_epochs(images, network):
    """Pixel by pixel over three networks, then z-scores within each class by hand."""
    nets = [
        network,
        *(
            EnsembleResNet([s, s + 1], depth=8, width=2, channels=2, classes=CLASSES).eval()
            for s in (20, 30)
        ),
    ]
    watch = gradients.InputGradients({"vog": (1, 2, 3)}, images, [0, 1])
    for epoch, now in enumerate(nets, start=1):
        watch.update(epoch, now)
    result = watch.result()
    slow = np.empty((MODELS, N))
    for model in range(MODELS):
        for i in range(N):
            maps = []
            for now in nets:
                pixels = images.pixels[i].clone().requires_grad_()
                x = pixels.permute(2, 0, 1).repeat(MODELS, 1, 1).unsqueeze(0)
                logit = now(x)[model, 0, images.labels[i]]
                maps.append(torch.autograd.grad(logit, pixels)[0].mean(-1).numpy())
            slow[model, i] = np.std(maps, axis=0).mean()
    np.testing.assert_allclose(result["vog"].numpy(), slow, rtol=1e-3)
    labels = images.labels.numpy()
    for model in range(MODELS):
        for i in range(N):
            group = slow[model, labels == labels[i]]
            expected = (slow[model, i] - group.mean()) / group.std()
            assert result["vog_normalized"][model, i].item() == pytest.approx(expected, abs=1e-2)


def test_grand_is_the_norm_of_each_examples_weight_gradient(images, network):
    """One backward pass per model and example, over every weight there is."""
    watch = gradients.ParameterGradients((2,), images, MODELS)
    watch.update(1, network)
    watch.update(2, network)
    found = watch.result()["grand"]
    for model in range(MODELS):
        for i in range(N):
            loss = own_loss(network, model, images.pixels[i], images.labels[i])
            parts = torch.autograd.grad(loss, list(network.parameters()))
            expected = math.sqrt(sum(part.square().sum().item() for part in parts))
            assert found[model, i].item() == pytest.approx(expected, rel=1e-4)


def own_network(size, classes, channels, image_size):
    """A user's network that works in place and holds a frozen layer."""
    height, width = image_size
    frozen = torch.nn.Linear(channels * height * width, size)
    frozen.requires_grad_(False)
    last = torch.nn.Linear(size, classes)
    return torch.nn.Sequential(torch.nn.Flatten(), frozen, torch.nn.ReLU(inplace=True), last)


@pytest.mark.parametrize(
    "size",
    [
        Size("mobilenetw0.25", None, 0.25, 1, "mobilenet"),
        Size("lenetw1", None, 1, 1, "lenet"),
        Size("mlp1w8", 1, 8, 1, "mlp"),
        Size("own8", None, None, 1, "own_networks_of_a_proxy_test:own_network", 8),
    ],
    ids=lambda size: size.name,
)
def test_every_family_has_every_proxy(size):
    """Gradients by input and weights one model and image at a time; depth within the layers."""
    imported.give("own_networks_of_a_proxy_test:own_network", own_network)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, 12, 12, 1, generator=generator)
    images = training.Images(pixels, torch.arange(N) % CLASSES)
    network = families.build(size, [3, 4], channels=1, classes=CLASSES, image_size=(12, 12))
    network(images.batch(torch.arange(N).expand(MODELS, -1)))
    network.eval()
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    sensitivity = gradients.InputGradients({"loss_sensitivity": (1,)}, images, [0, 1])
    sensitivity.update(1, network)
    grand = gradients.gradient_norms(network, images, torch.arange(3))
    for model in range(MODELS):
        for i in range(3):
            one = slow_gradient(network, model, pixels[i], images.labels[i]).abs().sum().item()
            found = sensitivity.result()["loss_sensitivity"][model, i].item()
            assert found == pytest.approx(one, rel=1e-3)
            loss = own_loss(network, model, pixels[i], images.labels[i])
            parts = torch.autograd.grad(loss, weights, allow_unused=True)
            total = math.sqrt(sum(p.square().sum().item() for p in parts if p is not None))
            assert grand[model, i].item() == pytest.approx(total, rel=1e-3)
    in_train = torch.ones(MODELS, N, dtype=torch.bool)
    final = training.evaluate(network, images).argmax(-1)
    found = depth.prediction_depth(network, images, in_train, final, 3)
    names = depth.layers([size], channels=1, classes=CLASSES, image_size=(12, 12))[size.name]
    assert 0 < found.max() <= len(names)
    assert (names["input"], names["softmax"]) == (144, CLASSES)


def test_grand_says_when_a_network_cannot_be_vectorised(images):
    """An operation that looks at numbers is named, with the way out."""

    class Peeking(torch.nn.Module):
        models = 1

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(CLASSES, 50))

        def forward(self, x):
            scale = 2.0 if x.sum().item() > 0 else 1.0
            return (scale * x.flatten(1) @ self.weight.T).unsqueeze(0)

    with pytest.raises(TrainingError, match=r"grand cannot be computed for Peeking.*proxies"):
        gradients.ParameterGradients((1,), images, 1).update(1, Peeking())


def slow_probe(embedding, labels, support, k, i):
    """Sort by distance, count votes, take the smallest class among the winners."""
    others = [j for j in np.flatnonzero(support) if j != i]
    near = sorted(others, key=lambda j: np.linalg.norm(embedding[i] - embedding[j]))[:k]
    votes = np.bincount(labels[near], minlength=CLASSES)
    return int(np.flatnonzero(votes == votes.max())[0])


def test_prediction_depth_equals_a_loop_over_layers(images, network, monkeypatch):
    """Probe after probe by sorting; the layer after the last disagreement, 0 without one.

    Blocks and memory are made small, so that borders between them are crossed.
    """
    monkeypatch.setattr(depth, "_BLOCK", 100)
    monkeypatch.setattr(depth, "_MEMORY", 30_000)
    generator = torch.Generator().manual_seed(2)
    in_train = torch.rand(MODELS, N, generator=generator) < 0.6
    final = torch.randint(0, CLASSES, (MODELS, N), generator=generator)
    found = depth.prediction_depth(network, images, in_train, final, 4)
    with torch.no_grad():
        layers = network.activations(images.batch(torch.arange(N).expand(MODELS, -1)))
    assert list(layers) == ["input", "stem", "block1", "block2", "block3", "softmax"]
    torch.testing.assert_close(
        layers["softmax"], training.evaluate(network, images).softmax(-1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(layers["input"][0], images.pixels.permute(0, 3, 1, 2))
    labels = images.labels.numpy()
    for model in range(MODELS):
        for i in range(N):
            probes = [
                slow_probe(layer[model].flatten(1).numpy(), labels, in_train[model].numpy(), 4, i)
                for layer in layers.values()
            ]
            wrong = [p for p, c in enumerate(probes) if c != final[model, i].item()]
            assert found[model, i].item() == (wrong[-1] + 1 if wrong else 0)
    assert len(set(found.flatten().tolist())) > 2


def test_a_subset_smaller_than_k_uses_all_it_has(images):
    """Of three examples in the support, an example inside has two neighbours, one outside three."""
    support = torch.zeros(N, dtype=torch.bool)
    support[:3] = True  # labels 0, 1, 2
    labels = images.labels
    predicted = depth.probe(images.pixels.flatten(1), labels, support, 30)
    # Two neighbours each, ties to the smallest class: never the example's own.
    assert predicted[:3].tolist() == [1, 0, 0]


def test_second_split_forgetting_is_the_last_correct_epoch_plus_one(images, monkeypatch):
    """From a list of what was classified correctly after each epoch of each second half."""
    watched = []
    real = training.train

    def recording(images, who, size, lesson, classes, tick=lambda: None, *, watch=None, **more):
        if watch is None:
            return real(images, who, size, lesson, classes, tick, **more)
        history = []

        def both(epoch, network):
            watch(epoch, network)
            history.append(training.evaluate(network, images).argmax(-1) == images.labels)

        watched.append((who, history))
        return real(images, who, size, lesson, classes, tick, watch=both, **more)

    monkeypatch.setattr(training, "train", recording)
    epochs = 5
    who = members([0, 1])
    lesson = training.Lesson(Training(epochs=epochs, batch_size=4, learning_rate=0.05), Observe())
    own = [lambda turn, i=i: seeds(1, i, SIZE.name, "one_hot", turn + 1) for i in (0, 1)]
    found = second_split_forgetting(images, who, own, SIZE, lesson, CLASSES)
    assert len(watched) == 2
    expected = np.full((2, N), np.nan)
    for second, history in watched:
        for model, member in enumerate(who):
            for i in np.flatnonzero(member.in_train & ~second[model].in_train):
                right = [bool(correct[model, i]) for correct in history]
                last = max((e for e, good in enumerate(right, start=1) if good), default=0)
                expected[model, i] = last + 1
    np.testing.assert_array_equal(found, expected)
    assert epochs + 1 in found
    assert (found[0, who[0].in_train] <= epochs).any()
    for (second, _), (other, _) in pairwise(watched):
        assert not (second[0].in_train & other[0].in_train).any()
        assert (second[0].in_train | other[0].in_train).sum() == 16


def test_recording_changes_no_bit_of_the_training(images):
    """With every proxy on, the network ends with the same weights as with none."""
    at = {"grand": (1,), "vog": (1, 2), "curvature": (2,), "loss_sensitivity": (1, 2)}
    everything = Observe(eval_at=(1,), keep_logits="all", proxies=(*at, "prediction_depth"), at=at)
    ends = []
    for observe in (everything, Observe()):
        who = members([0, 1])
        lesson = training.Lesson(Training(epochs=2, batch_size=8), observe)
        kept = training.Images(images.pixels[:3], images.labels[:3])
        recorder = Recorder(Ensemble(who, images, lesson, SIZE, CLASSES), kept)
        trained = training.train(images, who, SIZE, lesson, CLASSES, watch=recorder)
        logits = training.evaluate(trained.network, images)
        found = recorder.proxies(trained.network, logits.argmax(-1), trained.dynamics)
        ends.append((logits, found, recorder.epoch_logits(1)))
    assert torch.equal(ends[0][0], ends[1][0])
    assert ends[1][2] is None
    assert ends[0][2].shape == (2, N + 3, CLASSES)
    np.testing.assert_array_equal(ends[0][2][1, :N], ends[0][0][1].half().numpy())
    outside = ~who[0].in_train
    extra = ends[0][1].keys() - ends[1][1].keys()
    assert {name.removesuffix("_clean") for name in ends[0][1]} <= set(PROXIES)
    for name, values in ends[0][1].items():
        assert values.dtype == np.float32, name
        assert np.isfinite(values[0, outside]).all() == (name in extra), name
    assert {"grand", "vog", "vog_normalized", "curvature", "prediction_depth"} < extra


def test_a_models_proxies_do_not_depend_on_its_company(images):
    """Random directions included, a model alone gets what it gets beside another."""
    at = {"grand": (1,), "vog": (1, 2), "curvature": (2,), "loss_sensitivity": (1, 2)}
    observe = Observe(proxies=tuple(at), at=at)
    results = []
    for ids in ([0, 1], [1]):
        who = members(ids)
        lesson = training.Lesson(Training(epochs=2, batch_size=8), observe)
        recorder = Recorder(Ensemble(who, images, lesson, SIZE, CLASSES), images)
        trained = training.train(images, who, SIZE, lesson, CLASSES, watch=recorder)
        final = training.evaluate(trained.network, images).argmax(-1)
        results.append(recorder.proxies(trained.network, final, None))
    for name, values in results[1].items():
        np.testing.assert_allclose(values[0], results[0][name][1], rtol=1e-2, atol=1e-4)
