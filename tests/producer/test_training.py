"""Training: models of an ensemble do not feel each other, and the objectives are what they say."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from memanalysis.errors import TrainingError
from memanalysis.producer import training
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.producer.plan import seeds
from memanalysis.settings import Distillation, Observe, Size, Training

N, CLASSES = 60, 4
SIZE = Size("resnet8w2", 8, 2, 1)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    """Sixty random images of 7x7 in four classes."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, 7, 7, 1, generator=generator)
    return training.Images(pixels, torch.randint(0, CLASSES, (N,), generator=generator))


def members(ids, n_in=50):
    """Models with a subset of ``n_in`` examples, or one less for every other model."""
    made = []
    for i in ids:
        in_train = np.zeros(N, dtype=np.bool_)
        in_train[np.random.default_rng(i).permutation(N)[: n_in - i % 2]] = True
        made.append(training.Member(f"model {i}", *seeds(1, i, SIZE.name, "one_hot"), in_train))
    return made


def lesson(epochs=1, rate=0.1, **more):
    """Five steps of ten examples an epoch."""
    recipe = Training(epochs=epochs, batch_size=10, learning_rate=rate)
    return training.Lesson(recipe, Observe(), **more)


@pytest.mark.parametrize("size", [Size("a", 8, 2, 1), Size("b", 14, 5, 1), Size("c", 8, 8, 1)])
def test_an_ensemble_equals_single_trainings(images, size):
    """After five steps the logits of four models together and of each alone agree within 1e-4."""
    together = training.train(images, members(range(4)), size, lesson(), CLASSES)
    logits = training.evaluate(together.network, images)
    for i in range(4):
        alone = training.train(images, members([i]), size, lesson(), CLASSES)
        torch.testing.assert_close(
            training.evaluate(alone.network, images)[0], logits[i], atol=1e-4, rtol=0
        )
        final = logits.argmax(-1)
        of_all = together.dynamics.result(final)
        for name, values in alone.dynamics.result(final[i : i + 1]).items():
            torch.testing.assert_close(
                values[0], of_all[name][i], atol=1e-4, rtol=0, equal_nan=True
            )


def test_the_same_training_gives_the_same_bits(images):
    """Twice the same ensemble, bit for bit."""
    first, second = (
        training.evaluate(
            training.train(images, members(range(2)), SIZE, lesson(2), CLASSES).network, images
        )
        for _ in range(2)
    )
    assert torch.equal(first, second)


def test_weights_at_the_start_are_a_models_own():
    """A model starts alike alone and in company, and two seeds start differently."""
    shape = {"depth": 8, "width": 4, "channels": 1, "classes": 3}
    alone, company = EnsembleResNet([5], **shape), EnsembleResNet([9, 5], **shape)
    for a, b in zip(alone.parameters(), company.parameters(), strict=True):
        torch.testing.assert_close(b.chunk(2)[1], a, atol=0, rtol=0)
    assert not torch.equal(*company.classifier.weight)


def test_parameters_are_counted_per_model():
    """ResNet-8 of width 16 on three channels and ten classes: the layers by hand.

    Stem 432 + 32; stage 1 4,608 + 64; stage 2 4,608 + 9,216 + 512 + 192; stage 3 18,432 + 36,864 +
    2,048 + 384; last layer 650: 78,042 in all.
    """
    network = EnsembleResNet([1, 2], depth=8, width=16, channels=3, classes=10)
    assert network.parameters_per_model == 78_042


def test_a_batch_holds_each_models_own_images(images):
    """Channel m of the batch is the image that model m asked for."""
    index = torch.tensor([[3, 7], [9, 2], [4, 4]])
    batch = images.batch(index)
    assert batch.shape == (2, 3, 7, 7)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for model in range(3):
        for position in range(2):
            expected = images.pixels[index[model, position], :, :, 0]
            assert torch.equal(batch[position, model], expected)


def test_distillation_loss_is_the_formula():
    """(1 - w) CE + w T^2 KL against torch's own losses; w = 1 on equal logits is 0."""
    generator = torch.Generator().manual_seed(1)
    logits, teacher = torch.randn(2, 3, 6, CLASSES, generator=generator)
    labels = torch.randint(0, CLASSES, (3, 6), generator=generator)
    distillation = Distillation("t", temperature=3.0, weight=0.3)
    expected = sum(
        0.7 * torch.nn.functional.cross_entropy(z, y)
        + 0.3
        * 9
        * torch.nn.functional.kl_div(
            (z / 3).log_softmax(-1), (t / 3).softmax(-1), reduction="batchmean"
        )
        for z, y, t in zip(logits, labels, teacher, strict=True)
    )
    loss = training.objective_loss(logits, labels, teacher, distillation)
    torch.testing.assert_close(loss, expected)
    only = Distillation("t", temperature=3.0, weight=1.0)
    assert training.objective_loss(logits, labels, logits, only).abs() < 1e-5


def test_students_follow_their_own_teacher(images):
    """A student that hears its teacher alone ends nearer to its teacher than to the other one."""
    generator = torch.Generator().manual_seed(2)
    teacher = 4 * torch.randn(2, 1, CLASSES, generator=generator).expand(2, N, CLASSES)
    distillation = Distillation("t", temperature=1.0, weight=1.0)
    taught = lesson(epochs=4, distillation=distillation, teacher=teacher)
    trained = training.train(images, members(range(2)), SIZE, taught, CLASSES)
    outputs = training.evaluate(trained.network, images).softmax(-1).mean(1)
    targets = teacher[:, 0].softmax(-1)
    distance = (outputs[:, None] - targets[None]).abs().sum(-1)
    assert distance[0, 0] < distance[0, 1]
    assert distance[1, 1] < distance[1, 0]


def test_the_schedule_warms_up_and_decays():
    """Linear up to the peak of the cosine, then down to nearly nothing."""
    schedule = training.Schedule(Training(epochs=10, learning_rate=2.0, warmup_epochs=1), 10)
    rates = [schedule.next() for _ in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == pytest.approx(2.0, rel=0.03)
    assert rates[-1] < 0.001
    assert max(rates) <= 2.0


def test_a_diverging_model_is_named(images):
    """Non-finite outputs end the training with the names of the models."""
    with pytest.raises(TrainingError, match=r"model 0, model 1 are .*learning_rate"):
        training.train(images, members(range(2)), SIZE, lesson(3, rate=1e30), CLASSES)


def test_bfloat16_trains_alike(images):
    """Outputs after five steps differ from float32's by rounding alone; what is kept is float32."""
    logits = {}
    for precision in ("float32", "bf16"):
        recipe = Training(epochs=1, batch_size=10, learning_rate=0.05, precision=precision)
        taught = training.Lesson(recipe, Observe())
        trained = training.train(images, members(range(2)), SIZE, taught, CLASSES)
        assert all(p.dtype == torch.float32 for p in trained.network.parameters())
        logits[precision] = training.evaluate(trained.network, images)
        assert logits[precision].dtype == torch.float32
    difference = (logits["bf16"] - logits["float32"]).square().mean().sqrt()
    assert 0 < difference < 0.1 * logits["float32"].std()


# torch's compiler imports what torch itself has deprecated.
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_compiled_kernels_train_alike(images, monkeypatch):
    """The compiled path, its graph run by torch's own kernels, gives what the plain path gives."""
    compiled = functools.partial(torch.compile, backend="aot_eager", mode=None)
    monkeypatch.setattr(torch, "compile", lambda network, **_: compiled(network))
    logits = {}
    for kernels in ("torch", "compiled"):
        recipe = Training(epochs=1, batch_size=10, learning_rate=0.1, kernels=kernels)
        taught = training.Lesson(recipe, Observe())
        trained = training.train(images, members(range(2)), SIZE, taught, CLASSES)
        logits[kernels] = training.evaluate(trained.network, images)
    torch.testing.assert_close(logits["compiled"], logits["torch"], atol=1e-4, rtol=0)
