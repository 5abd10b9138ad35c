import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device_gateway.decode import uuids
from device_gateway.decode.checksum import crc8, crc8_maxim, sum7
from device_gateway.decode.family import Advert, Evidence, Family, Write
from device_gateway.decode.registry import FAMILIES, decoders, is_live, recognise, why_unread
from device_gateway.decode.viatom import ASK_LIVE, question
from tests.device_gateway.decode.frames import ADVERTS, FOLDER

ADVERTISED = json.loads((FOLDER / f"{ADVERTS}.json").read_text())
VIATOM = uuids.number("14839ac4-7d7e-415c-9a42-167340cf2339")
OXY_2 = uuids.number("e8fb0001-a14b-98f9-831b-4e2941d01248")
NORDIC_UART = uuids.number("6e400001-b5a3-f393-e0a9-e50e24dcca9e")
ISSC_UART = uuids.number("49535343-fe7d-4ae5-8fa9-9fafd205e455")
PLX, THERMOMETER, CONTEC = 0x1822, 0x1809, 0xFF12


def advert(name: str = "", *services: int, company: int | None = None) -> Advert:
    said = {} if company is None else {company: b""}
    return Advert(name, frozenset(services), said)


def key(of: Advert) -> str | None:
    family = recognise(of)
    return family.key if family else None


def of_structures(structures: bytes) -> Advert:
    """Read advertising data as a radio receives it: length, type, value, again and again."""
    name, services, said = "", set(), {}
    while structures and structures[0]:
        kind, value = structures[1], structures[2 : structures[0] + 1]
        structures = structures[structures[0] + 1 :]
        if kind in (0x08, 0x09):
            name = value.decode()
        elif kind in (0x02, 0x03):
            services |= {
                int.from_bytes(value[n : n + 2], "little") for n in range(0, len(value), 2)
            }
        elif kind in (0x06, 0x07):
            services.add(int.from_bytes(value, "little"))
        elif kind == 0xFF:
            said[int.from_bytes(value[:2], "little")] = value[2:]
    return Advert(name, frozenset(services), said)


# Which family


@pytest.mark.parametrize("captured", ADVERTISED, ids=lambda captured: captured["about"])
def test_an_advert_as_it_was_received_is_recognised(captured: dict[str, str]) -> None:
    assert key(of_structures(bytes.fromhex(captured["hex"]))) == captured["family"]


@pytest.mark.parametrize(
    ("said", "family"),
    [
        (advert("", PLX), "plx"),
        (advert("", THERMOMETER), "thermometer"),
        (advert("", 0x1810), "blood_pressure"),
        (advert("", VIATOM), "viatom"),
        (advert("O2Ring 1234"), "viatom"),
        (advert("Checkme O2 5678\0\0"), "viatom"),
        (advert("", CONTEC), "contec"),
        (advert("SpO208"), "contec"),
        (advert("berrymed"), "berrymed"),
        (advert("BerryMed", ISSC_UART), "berrymed"),
        (advert("Nonin3230_501000123"), "nonin"),
        (advert("PC-60FW_123", NORDIC_UART), "pc60fw"),
        (advert("PC-60F"), "pc60fw"),
        (advert("", 0x180F), None),
        (advert("Kettle"), None),
        (advert(), None),
    ],
)
def test_a_device_is_recognised_by_service_or_name(said: Advert, family: str | None) -> None:
    assert key(said) == family


def test_the_service_of_the_bluetooth_sig_is_taken_before_the_makers_own() -> None:
    assert key(advert("Nonin3230_1", PLX, *FAMILIES["nonin"].marks.services)) == "plx"
    assert key(advert("MightySat", PLX, company=0x0243)) == "plx"


def test_one_name_of_two_families_is_decided_by_the_service() -> None:
    assert key(advert("SleepO2 0042")) is None
    assert key(advert("SleepO2 0042", VIATOM)) == "viatom"
    assert key(advert("SleepO2 0042", CONTEC)) == "contec"


@pytest.mark.parametrize("service", [NORDIC_UART, ISSC_UART])
def test_a_service_that_unrelated_devices_have_does_not_decide(service: int) -> None:
    assert key(advert("Light bulb", service)) is None
    assert key(advert("", service)) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (advert("O2Ring", OXY_2), "another protocol"),
        (advert("S8-AW 1234"), "another protocol"),
        (advert("PO60", CONTEC), "stored measurements only"),
        (advert("MightySat"), "confidential"),
        (advert("", company=0x0243), "confidential"),
    ],
)
def test_what_is_known_and_not_read_is_not_taken_for_another(said: Advert, why: str) -> None:
    assert recognise(said) is None
    told = why_unread(said)
    assert told is not None
    assert why in told


def test_of_an_unknown_device_nothing_is_said() -> None:
    assert why_unread(advert("Kettle", 0x180F)) is None
    assert why_unread(advert("", CONTEC)) is None


# What a radio does with it


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.key)
def test_a_profile_reads_all_that_it_subscribes_to_and_writes_what_fits(family: Family) -> None:
    profile = family.profile
    assert profile.subscribe
    assert set(profile.subscribe) | set(profile.read) <= set(profile.decoders)
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    writes = [*profile.start, *profile.stored, *profile.stop]
    writes += [profile.repeat.write] if profile.repeat else []
    writes += profile.clock(now) if profile.clock else ()
    assert all(isinstance(write, Write) and 0 < len(write.value) <= 20 for write in writes)


def test_what_could_be_lost_is_subscribed_first() -> None:
    assert FAMILIES["plx"].profile.subscribe == (0x2A5E, 0x2A52, 0x2A5F)


def test_nothing_that_we_send_deletes_anything() -> None:
    assert [write.value.hex() for write in FAMILIES["plx"].profile.stored] == ["0401", "0101"]


def test_a_family_without_a_captured_frame_says_so() -> None:
    unproven = {key for key, one in FAMILIES.items() if one.evidence is Evidence.PUBLISHED}
    assert unproven == {"berrymed", "jumper", "nonin", "pc60fw"}
    for family in FAMILIES:
        told = (FOLDER / f"{family}.json").read_text()
        assert ("captured" in told) is (family not in unproven)


def test_the_docs_say_of_each_family_whether_it_is_proven() -> None:
    rows = (Path(__file__).parents[3] / "docs" / "do" / "devices.md").read_text().splitlines()
    families = rows[: rows.index(next(row for row in rows if row.startswith("## ")))]
    told = {r.split("`")[1]: "published only" in r for r in families if r.startswith("| `")}
    assert told == {key: one.evidence is Evidence.PUBLISHED for key, one in FAMILIES.items()}


def test_the_commands_of_contec_have_their_sum() -> None:
    profile = FAMILIES["contec"].profile
    assert profile.repeat is not None
    for write in (*profile.start, *profile.stop, profile.repeat.write):
        assert sum7(write.value[:-1]) == write.value[-1]


def test_the_question_of_viatom_is_the_published_one() -> None:
    # See docs/reference/device-layouts.md#frames, vector 15
    assert question(ASK_LIVE).hex() == "aa17e8000000001b"


@pytest.mark.parametrize(
    "checked",
    # See docs/reference/device-layouts.md#frames, vectors 20 and 15
    ["a5e11e00020000bf", "aa17e8000000001b"],
)
def test_the_crc_of_viatom(checked: str) -> None:
    frame = bytes.fromhex(checked)
    assert crc8(frame[:-1]) == frame[-1]


def test_the_check_values_of_the_crcs() -> None:
    # Source: the catalogue of parametrised CRC algorithms [CRC-CATALOGUE], CRC-8/SMBUS and
    # CRC-8/MAXIM-DOW.
    assert crc8(b"123456789") == 0xF4
    assert crc8_maxim(b"123456789") == 0xA1


# UUIDs


@pytest.mark.parametrize(
    ("written", "number", "said"),
    [
        ("2A5F", 0x2A5F, "2A5F"),
        ("0x2a5f", 0x2A5F, "2A5F"),
        ("00002a5f-0000-1000-8000-00805f9b34fb", 0x2A5F, "2A5F"),
        ("0000FF02-0000-1000-8000-00805F9B34FB", 0xFF02, "FF02"),
        ("14839ac4-7d7e-415c-9a42-167340cf2339", VIATOM, "14839ac4-7d7e-415c-9a42-167340cf2339"),
    ],
)
def test_a_uuid_is_one_number_however_it_is_written(written: str, number: int, said: str) -> None:
    assert uuids.number(written) == number
    assert uuids.said(number) == said
    assert uuids.number(uuids.text(number)) == number
    assert len(uuids.text(number)) == 36


@pytest.mark.parametrize("written", ["", "oxygen", "-1", "2A5F2A5F2A", "123456789"])
def test_what_is_no_uuid_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int and UUID word it
        uuids.number(written)


def test_every_decoder_has_a_uuid_of_its_own_in_its_family() -> None:
    for family in FAMILIES:
        for uuid in decoders(family):
            assert uuids.number(uuids.text(uuid)) == uuid


def test_what_is_a_live_stream_is_known_of_every_family() -> None:
    live = {
        (family.key, uuids.said(uuid))
        for family in FAMILIES.values()
        for uuid in family.profile.subscribe
        if is_live(uuid, family.key)
    }
    streams = ("viatom", "contec", "berrymed", "jumper", "nonin", "pc60fw")
    assert {key for key, _ in live} == {"plx", *streams}
    assert [said for key, said in live if key == "plx"] == ["2A5F"]  # a spot check is none
    assert is_live(0x2A5F)
    assert not any(is_live(uuid) for uuid in (0x2A5E, 0x2A35, 0x2A1C, 0x2A19))
    assert not is_live(0x2A5F, "nobody's")
