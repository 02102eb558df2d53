"""The price of a trial, which is named before it starts."""

from tests.aws.price import CHEAPEST, DEAREST, Budget


def test_the_money_is_a_time_after_which_all_is_taken_down():
    cheap, dear = Budget(CHEAPEST), Budget(DEAREST)
    assert 40 <= cheap.minutes < dear.minutes < 24 * 60 * 2
    said = f"After {cheap.minutes} minutes, which is {CHEAPEST:.2f} dollars, everything is taken down."
    assert said in cheap.sentence()
