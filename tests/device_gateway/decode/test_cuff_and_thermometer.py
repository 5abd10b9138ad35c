import pytest

from device_gateway.decode import blood_pressure, thermometer
from device_gateway.decode.blood_pressure import Status
from device_gateway.decode.frame import FrameError, NoValue
from ward_service.contract.vocabulary import Quality, Vital


def temperature(frame: str) -> float | None:
    return thermometer.decode(bytes.fromhex(frame)).observations.get(Vital.TEMPERATURE)


@pytest.mark.parametrize(
    ("frame", "celsius"),
    [
        ("00 6e0100ff", 36.6),
        ("00 5c0e00fe", 36.76),
        ("00 25000000", 37.0),
        ("00 feffffff", -0.2),
        ("01 d90300ff", 36.94),  # 98.5 °F
        ("01 f20300ff", 38.33),  # 101.0 °F
        ("01 e0ffff00", -35.56),  # -32 °F
    ],
)
def test_a_temperature_is_in_celsius_whatever_the_screen_shows(frame: str, celsius: float) -> None:
    assert temperature(frame) == celsius


@pytest.mark.parametrize("special", ["feff7f00", "ffff7f00", "00008000", "01008000", "02008000"])
@pytest.mark.parametrize("unit", ["00", "01"])
def test_no_special_value_is_a_temperature(unit: str, special: str) -> None:
    decoded = thermometer.decode(bytes.fromhex(unit + special))
    assert (decoded.observations, decoded.no_value) == ({}, NoValue.NOT_MEASURED)


def test_where_it_was_taken_stays_with_the_frame() -> None:
    sites = [
        thermometer.decode(bytes.fromhex(f"04680100ff{n:02x}")).said["site"] for n in range(11)
    ]
    assert sites == [
        *("reserved site 0", "armpit", "body", "ear", "finger", "gastro-intestinal tract"),
        *("mouth", "rectum", "toe", "eardrum", "reserved site 10"),
    ]


def test_a_thermometer_frame_shorter_than_its_flags_is_refused() -> None:
    for flags in range(256):
        body = bytes([flags]) + bytes.fromhex("680100ff")
        announced = 5 + 7 * bool(flags & 2) + bool(flags & 4)
        for length in range(5, announced):
            with pytest.raises(FrameError, match=f"reaches byte|{announced}"):
                thermometer.decode(body + bytes(length - 5))
        thermometer.decode(body + bytes(announced - 5))


@pytest.mark.parametrize("status", Status)
def test_every_status_of_a_cuff_is_a_doubt_and_takes_no_value_away(status: Status) -> None:
    # Source: Blood Pressure Service 1.1 [BT-BLS]; an irregular pulse: NICE NG136, 1.1.2
    # [NICE-NG136].
    frame = bytes.fromhex("10 5000 3200 0000") + int(status).to_bytes(2, "little")
    decoded = blood_pressure.decode(frame)
    assert decoded.observations == {Vital.SYSTOLIC_BP: 80, Vital.DIASTOLIC_BP: 50}
    assert decoded.quality == (Quality.QUESTIONABLE,)
    assert decoded.said["status"] == [str(status.name).lower().replace("_", " ")]


def test_reserved_status_bits_of_a_cuff_are_no_doubt() -> None:
    decoded = blood_pressure.decode(bytes.fromhex("10 7800 5000 0000 c0ff"))
    assert decoded.quality == ()


def test_half_a_blood_pressure_is_told_and_not_whole() -> None:
    decoded = blood_pressure.decode(bytes.fromhex("00 7800 ff07 ff07"))
    assert decoded.observations == {Vital.SYSTOLIC_BP: 120}
    assert decoded.no_value is NoValue.NOT_MEASURED


def test_a_mean_pressure_of_zero_was_not_sent() -> None:
    assert blood_pressure.decode(bytes(7)).said["mean_arterial_pressure"] == "not sent"


def test_a_user_that_the_cuff_does_not_know_is_nobody() -> None:
    frame = "08 7800 5000 0000"
    assert blood_pressure.decode(bytes.fromhex(frame + "ff")).user is None
    assert blood_pressure.decode(bytes.fromhex(frame + "00")).user == 0


def test_a_cuff_frame_shorter_than_its_flags_is_refused() -> None:
    for flags in range(256):
        sizes = (7 * bool(flags & 2), 2 * bool(flags & 4), bool(flags & 8), 2 * bool(flags & 16))
        announced = 7 + sum(sizes)
        with pytest.raises(FrameError, match="too short"):
            blood_pressure.decode(bytes([flags]) + bytes(announced - 2))
        blood_pressure.decode(bytes([flags]) + bytes(announced - 1))


def test_a_record_without_a_time_is_taken_for_one_of_now() -> None:
    assert not blood_pressure.decode(bytes.fromhex("00 7800 5000 0000")).recorded
    unknown = blood_pressure.decode(bytes.fromhex("02 7800 5000 0000 00000000000000"))
    assert (unknown.recorded, unknown.quality) == (False, (Quality.CLOCK_NOT_SET,))
