"""Seconds of a stream, and what is made of them: every rule by itself."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from device_gateway.capture.seconds import as_minute, as_minutes, merged, put_together, sees
from device_gateway.spool.records import Sample
from tests.device_gateway.streams import NOON, SECOND
from ward_service.contract.vocabulary import Quality, Vital

NO_FINGER = (Quality.NO_FINGER,)
SEARCHING = (Quality.EARLY_ESTIMATE,)


def second(
    spo2: float | None,
    n: int = 0,
    quality: tuple[Quality, ...] = (),
    **more: float,
) -> Sample:
    values = {} if spo2 is None else {Vital.SPO2: spo2}
    values |= {Vital(name): value for name, value in more.items()}
    return Sample("A", 1, NOON + n * SECOND, values, quality)


def test_of_a_second_the_lowest_spo2_and_the_last_of_all_else_are_kept() -> None:
    one = second(97, pulse_rate=70, perfusion_index=4.0)
    assert merged(one, second(91, pulse_rate=72)).values == {
        Vital.SPO2: 91,
        Vital.PULSE_RATE: 72,
        Vital.PERFUSION_INDEX: 4.0,
    }
    assert merged(second(91, pulse_rate=72), one).values[Vital.SPO2] == 91
    assert merged(second(91, pulse_rate=72), one).values[Vital.PULSE_RATE] == 70


def test_what_is_said_against_any_value_of_a_second_is_said_against_it() -> None:
    doubtful = second(97, quality=(Quality.POOR_SIGNAL,))
    assert merged(doubtful, second(96)).quality == (Quality.POOR_SIGNAL,)
    both = merged(doubtful, second(96, quality=SEARCHING))
    assert both.quality == (Quality.POOR_SIGNAL, Quality.EARLY_ESTIMATE)


def test_a_finger_that_leaves_within_a_second_does_not_make_its_value_doubtful() -> None:
    for parts in (
        [second(97), second(None, quality=NO_FINGER)],
        [second(None, quality=NO_FINGER), second(97)],
    ):
        [one] = put_together(parts)
        assert (one.values, one.quality) == ({Vital.SPO2: 97}, ())


def test_an_index_alone_is_nobodys_finger() -> None:
    assert not sees(second(None, perfusion_index=0.4))
    minute = as_minute([second(None, perfusion_index=0.4), second(97, 1, perfusion_index=4)])
    assert minute.samples[Vital.PERFUSION_INDEX] == (None, 4)
    assert minute.samples[Vital.SPO2] == (None, 97)
    assert minute.samples[Vital.PULSE_RATE] == (None, None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 88.0, 97.0]),
            st.lists(st.sampled_from(list(Quality)), max_size=2, unique=True),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_second_that_is_written_twice_is_the_same_second(
    parts: list[tuple[float | None, list[Quality]]],
) -> None:
    """It is written with its first frame, and again as it had become: reading finds the latter."""
    frames = [second(value, quality=tuple(quality)) for value, quality in parts]
    [whole] = put_together(frames)
    [found] = put_together([frames[0], whole])
    assert (found.values, set(found.quality)) == (whole.values, set(whole.quality))


def test_a_minute_that_begins_in_doubt_is_cut_where_the_doubt_ends_and_only_there() -> None:
    searching = [second(94, n, SEARCHING) for n in range(3)]
    clean = [second(97, n) for n in range(3, 6)]
    doubt = [second(96, n, (Quality.POOR_SIGNAL,)) for n in range(6, 8)]
    again = [second(97, n) for n in range(8, 10)]
    first, rest = as_minutes([*searching, *clean, *doubt, *again])
    assert (first.quality, first.last_at) == (SEARCHING, NOON + 2 * SECOND)
    assert (rest.quality, rest.started_at) == ((Quality.POOR_SIGNAL,), NOON + 3 * SECOND)
    assert len(rest.samples[Vital.SPO2]) == 7
    assert len(as_minutes(searching)) == 1
    assert len(as_minutes([second(None, 0, NO_FINGER), *clean])) == 1


def test_a_minute_of_nothing_says_why() -> None:
    [minute] = as_minutes([second(None, n, NO_FINGER) for n in range(3)])
    assert (minute.sees, minute.quality) == (False, NO_FINGER)
    assert minute.samples == {Vital.SPO2: (None,) * 3, Vital.PULSE_RATE: (None,) * 3}


def test_moments_are_where_the_array_says() -> None:
    minute = as_minute([second(97), second(96, 7)])
    assert minute.samples[Vital.SPO2] == (97, *[None] * 6, 96)
    assert minute.last_at == NOON + timedelta(seconds=7)
