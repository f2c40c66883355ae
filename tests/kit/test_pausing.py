"""Waiting before another try: it grows to a bound, is spread, and keeps to what was asked."""

from wasl.kit.pausing import pause


def test_it_grows_to_the_longest_and_is_spread_over_its_width() -> None:
    whole = [pause(n, 5, 900, dice=lambda: 1.0) for n in range(10)]
    assert whole == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert [pause(n, 5, 900, dice=lambda: 0.0) for n in range(10)] == [each / 2 for each in whole]
    assert [pause(n, 5, 900, factor=3, least=0.0, dice=lambda: 0.5) for n in range(3)] == [2.5, 7.5, 22.5]
    assert pause(10**9, 5, 900, factor=3, dice=lambda: 1.0) == 900
    assert len({pause(3, 5, 900) for _ in range(20)}) > 10


def test_it_is_no_shorter_than_asked_up_to_the_longest() -> None:
    assert pause(0, 5, 900, asked=77.0) == 77
    assert pause(0, 5, 900, asked=1e9) == 900
    assert pause(4, 5, 900, asked=1.0, dice=lambda: 0.0) == 40
    assert pause(0, 5, 900, asked=-3.0, dice=lambda: 0.0) == 2.5
