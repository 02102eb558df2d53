"""What a trial on AWS costs at most: named before it starts, and kept by a clock."""

from dataclasses import dataclass

from flows.cli.costs import READ_THOUSAND, WRITTEN_THOUSAND

# List prices of us-east-1 in November 2026, in dollars. For each hour: the worker, two runs at once of 1 vCPU and
# 2 GiB, and the public addresses of all three.
_AN_HOUR = (0.25 * 0.04048 + 1 * 0.004445) + 2 * (1 * 0.04048 + 2 * 0.004445) + 3 * 0.005

# Once: 20,000 writes and lists and 20,000 reads of S3, a secret for a month, and 1 GB of images and of logs.
_ONCE = 20 * (WRITTEN_THOUSAND + READ_THOUSAND) + 0.40 + 0.10 + 0.50


@dataclass(frozen=True, slots=True)
class Budget:
    """The dollars that a trial may cost, and the minutes after which it is taken down whatever it has seen."""

    dollars: float

    @property
    def minutes(self) -> int:
        """How long the stack may stand, in whole minutes."""
        return int((self.dollars - _ONCE) / _AN_HOUR * 60)

    def sentence(self) -> str:
        """Say what the trial costs, before it starts."""
        return (
            f"At list prices this costs {_ONCE:.2f} dollars at most, and {_AN_HOUR:.2f} for each hour. After"
            f" {self.minutes} minutes, which is {self.dollars:.2f} dollars, everything is taken down."
        )


# A trial needs forty minutes, and one that stands for a day has been forgotten.
CHEAPEST, DEAREST = round(_ONCE + _AN_HOUR * 40 / 60 + 0.01, 2), 5
