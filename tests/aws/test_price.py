"""The price of a trial, which is named before it starts."""

import pytest

from tests.aws.price import Budget


def test_the_money_is_a_time_after_which_all_is_taken_down():
    cheap, dear = Budget(1.5), Budget(3)
    assert Budget.SHORTEST < cheap.minutes < dear.minutes
    assert f"After {cheap.minutes} minutes, which is 1.50 dollars, everything is taken down." in cheap.sentence()


@pytest.mark.parametrize("dollars", [0.0, 1.0])
def test_what_does_not_pay_for_a_trial_is_too_short(dollars: float):
    assert Budget(dollars).minutes < Budget.SHORTEST
