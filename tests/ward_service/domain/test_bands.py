"""The published tables again, both sides of every edge: this is the rule, twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import COH, the_bands
from ward_service.contract.vocabulary import UNITS, Level, Vital
from ward_service.domain.bands import WORRY, Bands, said_against

G, A, R = Level.GREEN, Level.AMBER, Level.RED
SPO2 = the_bands(COH)
# See docs/reference/clinical.md#local-card: not in a shipped pathway's bands, but it has edges
# upwards.
TEMPERATURE = Bands((38.0, 39.0), (G, A, R), 1)
# See docs/reference/clinical.md#low-usual-spo2, target 88 to 92 on oxygen: 93 and 97 are printed
# there, the low side is invented.
ON_OXYGEN = Bands((85, 87, 92, 96), (R, A, G, A, R), 0)


# Source: see docs/reference/clinical.md#spo2-bands, in the order of the table.
@pytest.mark.parametrize(
    ("value", "level", "words"),
    [
        (100, G, "SpO2 100 % > 94 %"), (97.5, G, "SpO2 97.5 % (counts as 97 %) > 94 %"),
        (95, G, "SpO2 95 % > 94 %"),
        (94.6, G, "SpO2 94.6 % (counts as 95 %) > 94 %"),
        (94.5, A, "SpO2 94.5 % (counts as 94 %) <= 94 %"),
        (94, A, "SpO2 94 % <= 94 %"), (93, A, "SpO2 93 % <= 94 %"),
        (92.6, A, "SpO2 92.6 % (counts as 93 %) <= 94 %"),
        (92.5, R, "SpO2 92.5 % (counts as 92 %) <= 92 %"),
        (92.4, R, "SpO2 92.4 % (counts as 92 %) <= 92 %"),
        (86.5, R, "SpO2 86.5 % (counts as 86 %) <= 92 %"),
        (92, R, "SpO2 92 % <= 92 %"), (61, R, "SpO2 61 % <= 92 %"),
    ],
)  # fmt: skip
def test_spo2_falls_where_the_table_says(value: float, level: Level, words: str) -> None:
    placed = SPO2.place(value)
    assert placed.level is level
    assert said_against(UNITS[Vital.SPO2], value, placed) == words


@pytest.mark.parametrize(
    ("value", "level"),
    [(38.0, G), (38.04, G), (38.05, A), (38.1, A), (39.0, A), (39.04, A), (39.05, R), (39.1, R)],
)
def test_half_way_up_counts_to_the_more_worrying_side(value: float, level: Level) -> None:
    assert TEMPERATURE.place(value).level is level


@pytest.mark.parametrize(
    ("value", "level", "counts_as"),
    [
        (85.5, R, 85), (85.6, A, 86), (87.5, A, 87), (87.6, G, 88),
        (92.4, G, 92), (92.5, A, 93), (96.4, A, 96), (96.5, R, 97),
    ],
)  # fmt: skip
def test_half_way_is_more_worrying_on_both_sides_of_green(
    value: float, level: Level, counts_as: float
) -> None:
    placed = ON_OXYGEN.place(value)
    assert (placed.level, placed.counts_as) == (level, counts_as)


@pytest.mark.parametrize("bands", [SPO2, ON_OXYGEN])
def test_half_way_is_never_the_less_worrying_neighbour(bands: Bands) -> None:
    for low in range(50, 110):
        near = [bands.place(low).level, bands.place(low + 1).level]
        assert bands.place(low + 0.5).level is max(near, key=WORRY.__getitem__), low


def test_a_limit_from_above_is_said_from_above() -> None:
    placed = TEMPERATURE.place(38.5)
    said = said_against(UNITS[Vital.TEMPERATURE], 38.5, placed)
    assert said == "temperature 38.5 °C > 38 °C"


@given(st.floats(-50, 200), st.floats(-50, 200))
def test_less_oxygen_is_never_less_worrying(one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    assert WORRY[SPO2.place(lower).level] >= WORRY[SPO2.place(higher).level]


@pytest.mark.parametrize(
    ("tops", "levels"), [((94, 92), (R, A, G)), ((92, 92), (R, A, G)), ((92, 94), (R, G))]
)
def test_bands_with_a_gap_or_an_overlap_cannot_be_made(
    tops: tuple[float, ...], levels: tuple[Level, ...]
) -> None:
    with pytest.raises(ValueError, match=r"edges must rise|one more level"):
        Bands(tops, levels, 0)


def test_the_edges_as_printed_touch() -> None:
    assert SPO2.edges() == [(None, 92, R), (93, 94, A), (95, None, G)]


@pytest.mark.parametrize(
    ("bands", "values", "worst"),
    [
        (SPO2, (92, 90, 91), 90), (SPO2, (95, 94), 94), (TEMPERATURE, (39.2, 40.1, 39.1), 40.1),
        (ON_OXYGEN, (97, 99, 98), 99), (ON_OXYGEN, (99, 84), 84), (ON_OXYGEN, (93, 87, 90), 87),
        (ON_OXYGEN, (93, 85), 85),
    ],
)  # fmt: skip
def test_the_worst_is_the_lowest_unless_worry_grows_upwards(
    bands: Bands, values: tuple[float, ...], worst: float
) -> None:
    assert bands.worst(values) == worst


@given(st.lists(st.floats(60, 110), min_size=1))
def test_no_value_is_more_worrying_than_the_worst(values: list[float]) -> None:
    worst = ON_OXYGEN.worst(values)
    assert worst in values
    assert all(
        WORRY[ON_OXYGEN.place(v).level] <= WORRY[ON_OXYGEN.place(worst).level] for v in values
    )
