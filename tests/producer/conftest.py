"""Fixtures that several tests of the producer share."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """Rounding depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
