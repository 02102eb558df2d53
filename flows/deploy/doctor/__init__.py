"""The doctor: it checks each thing that the scheduled deployments need, and says how to mend what is wrong."""

from flows.deploy.doctor.check import Check
from flows.deploy.doctor.examine import examine

__all__ = ["Check", "examine"]
