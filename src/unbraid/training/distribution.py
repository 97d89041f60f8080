"""Training in several processes, on one machine or many: each takes its share of every batch; all take the same step.

    torchrun --nproc-per-node 2 -m unbraid.cli train …

torchrun starts the processes and sets their number in the environment. accelerate chooses the devices and how they
communicate (NCCL between GPUs, gloo between processors) and wraps the module in DistributedDataParallel, which averages
the gradients. If the loss is a mean over the batch, the result is that of one process with the whole batch.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import nn

from unbraid.errors import TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator

TIMEOUT = timedelta(hours=2)
"""How long the other processes wait while the first validates and saves."""


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one training run; for a single process, accelerate is not even loaded."""

    size: int = 1
    rank: int = 0
    accelerator: "Accelerator | None" = None

    @classmethod
    def join(cls, device: str) -> "ProcessGroup":
        """Join the other processes that torchrun started, if any."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        # loaded later it would hold the group as a default argument, and the group's threads would outlive `close`
        import torch.distributed.nn.functional  # noqa: F401
        from accelerate import Accelerator
        from accelerate.utils import InitProcessGroupKwargs

        timeout = InitProcessGroupKwargs(timeout=TIMEOUT)
        accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no", kwargs_handlers=[timeout])
        return cls(accelerator.num_processes, accelerator.process_index, accelerator)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that prints, validates and saves."""
        return self.rank == 0

    def batch_slice(self, batch: int) -> slice:
        """Return this process's share of a batch; raises TrainingError if it cannot be shared evenly."""
        if batch % self.size:
            raise TrainingError(f"A batch of {batch} cannot be shared evenly by {self.size} processes: give --batch.")
        each = batch // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients averaged over all processes; its weights become the first one's."""
        if self.accelerator is None:
            return module
        wrapped: nn.Module = self.accelerator.prepare_model(module)
        return wrapped

    def mean(self, value: float) -> float:
        """Return the mean of the value over all processes."""
        return self._sum(value) / self.size

    def from_main(self, value: float) -> float:
        """Return the main process's value: clocks differ between processes, schedules must not."""
        return self._sum(value if self.is_main else 0.0)

    def _sum(self, value: float) -> float:
        if self.accelerator is None:
            return value
        here = torch.tensor([value], dtype=torch.float64, device=self.accelerator.device)
        total: torch.Tensor = self.accelerator.reduce(here, "sum")
        return float(total[0])

    def close(self) -> None:
        """Wait for the others and end the group; the module from `wrap` must no longer be in use."""
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()  # who left while another still works would abort
            self.accelerator.free_memory()  # lets go of the modules, and so the group; its threads then end with it
            self.accelerator.end_training()
