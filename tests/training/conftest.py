"""What holds for every test of training."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Threads gain nothing on networks this small, and where processes share a machine they wait for each other."""
    torch.set_num_threads(1)
