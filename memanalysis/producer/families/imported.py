"""Networks of the user's own: a function by its import path, ``package.module:function``.

The function is called as ``function(size, classes, channels, image_size)``: the value of the size
axis, the number of classes, the channels of an image (1 or 3) and its (height, width). It returns a
``torch.nn.Module`` that maps float32 [batch, channels, H, W] to logits [batch, classes]. One that
cannot take these four is called without arguments.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from memanalysis.errors import SettingsError, did_you_mean
from memanalysis.producer.families.layers import apart
from memanalysis.producer.families.network import Network
from memanalysis.settings import Size

ModelFunction = Callable[..., nn.Module]

EXPECTED: Final = (
    "Expected a function (size, classes, channels, image_size) that returns a torch.nn.Module."
)

# Functions that were handed over in this process and have no import path.
_given: dict[str, ModelFunction] = {}


def give(path: str, function: ModelFunction) -> None:
    """Let ``find`` answer ``path`` with ``function``, in this process alone."""
    _given[path] = _taking_four(function)


def is_given(path: str) -> bool:
    """True if ``give`` handed over a function of that path in this process."""
    return path in _given


def path_of(model: ModelFunction) -> str | None:
    """``module:function``, if a fresh process would find the same function by it."""
    module, name = getattr(model, "__module__", None), getattr(model, "__qualname__", "")
    if module in (None, "__main__") or not name.isidentifier():
        return None
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return f"{module}:{name}" if found is model else None


def give_unnamed(model: ModelFunction) -> str:
    """Give a function that has no import path one that this process, and no worker, finds."""
    name = re.sub(r"\W", "", getattr(model, "__name__", "")) or "model"
    warnings.warn(
        f"'{name}' has no name that worker processes could import, so all models are trained in "
        "this process, one after another. Put the function into a module to use all processors.",
        stacklevel=3,
    )
    path = f"given:{name}"
    give(path, model)
    return path


def find(path: str, folder: str | None = None) -> ModelFunction:
    """The function that ``package.module:function`` names.

    Python's own places are searched first, then ``folder``, which is the study file's.

    Raises
    ------
    SettingsError
        If there is none, it cannot be imported or it cannot be called.
    """
    if path in _given:
        return _given[path]
    module_name, _, name = path.partition(":")
    if folder is not None and folder not in sys.path:
        sys.path.append(folder)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise _failed(path, f"importing '{module_name}' failed", error) from error
        where = f"'{folder}' or " if folder else ""
        raise SettingsError(
            f"sizes.family = '{path}': there is no module '{error.name}' in {where}the places "
            f"where Python looks for modules. {EXPECTED} Put its file beside the study file, or "
            "install it."
        ) from error
    except Exception as error:
        raise _failed(path, f"importing '{module_name}' failed", error) from error
    if not hasattr(module, name):
        raise SettingsError(
            f"sizes.family = '{path}': '{module.__file__}' has no '{name}'."
            f"{did_you_mean(name, vars(module))} {EXPECTED}"
        )
    function: Any = getattr(module, name)
    if not callable(function):
        raise SettingsError(
            f"sizes.family = '{path}' is {type(function).__name__}, which cannot be called. "
            f"{EXPECTED}"
        )
    return _taking_four(function)


def _taking_four(function: ModelFunction) -> ModelFunction:
    """``function``, called without arguments if it takes none of (size, classes, channels, ...)."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of built-in functions
        return function
    try:
        signature.bind(*range(4))
    except TypeError:
        with suppress(TypeError):
            signature.bind()
            return lambda *_: function()
    return function


class ImportedNetwork(Network):
    """M modules of the user's, one after another.

    Each is made under its own seed, and whatever it draws while it is trained (dropout) comes from
    its own stream, so a model does not depend on its company. Tensors stay in the usual memory
    format, which ``Tensor.view`` in the user's code may rely on.
    """

    def __init__(
        self,
        function: ModelFunction,
        size: Size,
        seeds: Sequence[int],
        *,
        channels: int,
        classes: int,
        image_size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.models = len(seeds)
        self.members = nn.ModuleList()
        self._streams: list[Tensor] = []
        for seed in seeds:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                member = _made(function, size, classes, channels, image_size)
                self._streams.append(torch.get_rng_state())
            self.members.append(member)
        made = list(self.members)
        if len(made) == 1:  # the next model must be another module, too
            with torch.random.fork_rng(devices=[]):
                made.append(_made(function, size, classes, channels, image_size))
        _require_own_weights(made, size)

    def by_model(self, parameter: str, values: Tensor) -> Tensor:
        """A parameter ``members.<number>.<name>`` belongs to that member; it is 0 to the others."""
        own = values.flatten(1)
        everyone = own.new_zeros(len(own), self.models, own.shape[1])
        everyone[:, int(parameter.split(".")[1])] = own
        return everyone

    def to(self, *args: Any, **kwargs: Any) -> ImportedNetwork:
        """As for any module, but a memory format is left out."""
        kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs) if args or kwargs else self

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""
        outputs = []
        for number, part in enumerate(x.chunk(self.models, dim=1)):
            with self._own_stream(number, x.device):
                outputs.append(self.members[number](part.contiguous()))
        return torch.stack(outputs)

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Each [M, batch, ...]: input, what the module's own ``activations`` or its parts give.

        A module with a method ``activations(x)`` says itself, in a dictionary; of any other the
        outputs of its direct children are taken, in the order in which they are first called.
        ``softmax`` comes last.
        """
        found: dict[str, list[Tensor]] = {}
        for number, part in enumerate(x.chunk(self.models, dim=1)):
            member = self.members[number]
            for name, values in _activations(member, part.contiguous()).items():
                found.setdefault(name, []).append(values)
        stacked = {name: torch.stack(values) for name, values in found.items()}
        return {"input": apart(x, self.models), **stacked}

    @contextmanager
    def _own_stream(self, number: int, device: torch.device) -> Iterator[None]:
        """Random numbers of one model; nobody draws any in eval mode."""
        if not self.training or device.type != "cpu":
            yield
            return
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._streams[number])
            yield
            self._streams[number] = torch.get_rng_state()


def _made(
    function: ModelFunction, size: Size, classes: int, channels: int, image_size: tuple[int, int]
) -> nn.Module:
    """One module, tried out on two black images."""
    what = f"{size.family}({size.value!r}, {classes}, {channels}, {image_size})"
    batch = [2, channels, *image_size]
    try:
        module = function(size.value, classes, channels, image_size)
    except Exception as error:
        raise _failed(size.family, f"calling {what} failed", error) from error
    if not isinstance(module, nn.Module):
        raise SettingsError(
            f"sizes.family = '{size.family}': {what} returned {type(module).__name__}. {EXPECTED}"
        )
    if not any(weight.requires_grad for weight in module.parameters()):
        raise SettingsError(
            f"sizes.family = '{size.family}': the module of {what} has no weights to train."
        )
    try:
        with torch.no_grad():
            output = module.eval()(torch.zeros(batch))
    except Exception as error:
        doing = f"the module of {what} failed on images {batch}"
        raise _failed(size.family, doing, error) from error
    shape = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if shape != [2, classes]:
        raise SettingsError(
            f"sizes.family = '{size.family}': the module of {what} maps images "
            f"{batch} to {shape}; expected logits [2, {classes}]."
        )
    return module.train()


def _require_own_weights(modules: Sequence[nn.Module], size: Size) -> None:
    """Refuse modules that share weights: each model would learn what the others train on."""
    seen: set[int] = set()
    for module in modules:
        own = {id(weight) for weight in module.parameters()}
        if own & seen:
            raise SettingsError(
                f"sizes.family = '{size.family}': the function returned modules that share "
                "weights, so models would not be independent; expected new weights in each call. "
                "Make every layer inside the function."
            )
        seen |= own


def _failed(path: str, doing: str, error: Exception) -> SettingsError:
    """One message with the user's own line instead of a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = (str(Path(torch.__file__).parent), __file__, importlib.__file__, "<frozen")
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    where = f" ('{own[-1].filename}', line {own[-1].lineno})" if own else ""
    return SettingsError(
        f"sizes.family = '{path}': {doing} with {type(error).__name__}: {error}{where}. {EXPECTED}"
    )


def _activations(member: nn.Module, x: Tensor) -> dict[str, Tensor]:
    own = getattr(member, "activations", None)
    if callable(own):
        return {**own(x), "softmax": member(x).softmax(-1)}
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and len(output) == len(x):
                # A copy, since the next layer may work in place.
                found.setdefault(name, output.clone())

        return hook

    hooks = [child.register_forward_hook(keep(name)) for name, child in member.named_children()]
    try:
        logits = member(x)
    finally:
        for handle in hooks:
            handle.remove()
    return {**found, "softmax": logits.softmax(-1)}
