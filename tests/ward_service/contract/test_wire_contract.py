"""The wire contract, kept and compared: whatever changes here changes for every home there is."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.factories import NOON, a_reading
from ward_service.contract.clock import Clock, demo_clock, read_clock, real_clock
from ward_service.contract.envelope import Envelope, EnvelopeError, gateway_key
from ward_service.contract.ids import derived_id, made_at, new_id
from ward_service.contract.messages import (
    Reading,
    Receipt,
    Receipts,
    Status,
    Trace,
    gateway_of,
    topic,
)
from ward_service.contract.plan import Care, Plan
from ward_service.contract.vocabulary import UNITS, Outcome, Vital

SCHEMA = Path(__file__).parent / "wire-v1.schema.json"
KEY = gateway_key(b"a secret of the ward", "home-01")
TOPIC = topic("home-01", "readings")
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def schema() -> dict[str, Any]:
    """Return the whole contract as JSON Schema."""
    models = (Reading, Trace, Status, Receipts, Plan)
    return {
        "topics": {
            what: topic("{gateway}", what, base="homeward/v1")
            for what in ("readings", "status", "receipts")
        }
        | {"plans": "homeward/v1/{gateway}/plans/{slot}"},
        "envelope": ["slot", "stream", "seq", "sent_at", "mac"],
        "messages": {model.__name__: model.model_json_schema() for model in models},
    }


def test_the_contract_is_the_one_that_was_agreed() -> None:
    """A change here needs thought: a new optional field is version 1, all else is version 2.

    When the thought has been had: HOMEWARD_WRITE_SCHEMA=1 writes the file anew.
    """
    now = json.dumps(schema(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("HOMEWARD_WRITE_SCHEMA") == "1":
        SCHEMA.write_text(now)
    assert now == SCHEMA.read_text(), "the wire contract has changed"


def test_every_vital_has_one_unit_and_its_code() -> None:
    # Source: see docs/understand/design.md#wire-contract.
    assert set(UNITS) == set(Vital)
    assert (UNITS[Vital.SPO2].ucum, UNITS[Vital.SPO2].loinc) == ("%", "59408-5")
    assert (UNITS[Vital.PULSE_RATE].ucum, UNITS[Vital.PULSE_RATE].loinc) == ("/min", "8867-4")
    assert UNITS[Vital.SPO2].say(91.0) == "SpO2 91 %"


# Shape


def test_the_ward_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Reading.model_validate(a_reading().model_dump() | {"nhs_number": "999 000 0000"})


def test_an_older_home_understands_a_newer_ward() -> None:
    newer = {"reading_id": str(new_id(NOON)), "outcome": "kept", "colour": "blue"}
    assert Receipt.model_validate(newer).outcome is Outcome.KEPT


@pytest.mark.parametrize("not_a_value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_was_not_measured_cannot_be_sent_as_a_number(not_a_value: str) -> None:
    payload = a_reading(spo2=97).model_dump_json().replace("97.0", not_a_value)
    with pytest.raises(ValidationError):
        Reading.model_validate_json(payload)


def test_a_time_without_its_offset_is_refused() -> None:
    payload = a_reading().model_dump_json().replace("Z", "")
    with pytest.raises(ValidationError, match="timezone_aware"):
        Reading.model_validate_json(payload)


def test_a_message_names_a_place_and_never_a_person() -> None:
    personal = ("name", "nhs", "birth", "phone", "address", "patient_id")
    for model in (Reading, Trace, Status, Receipts, Plan, Care):
        for field in model.model_json_schema()["properties"]:
            assert not any(word in field for word in personal), field


@pytest.mark.parametrize("gateway", ["a/b", "+", "#", "Home-01", "x", "h" * 41])
def test_no_gateway_can_be_named_like_a_topic_rule(gateway: str) -> None:
    from pydantic import TypeAdapter

    from ward_service.contract.messages import GatewayId

    with pytest.raises(ValidationError):
        TypeAdapter(GatewayId).validate_python(gateway)


def test_a_topic_says_whose_it_is() -> None:
    assert gateway_of(topic("home-01", "readings")) == "home-01"
    assert gateway_of(topic("home-01", "plans", 2)) == "home-01"


# The envelope


def sealed(payload: bytes = b'{"a": 1}') -> tuple[Envelope, list[tuple[str, str]], bytes]:
    envelope = Envelope(NOON, slot=1, stream="s1", seq=7, correlation=new_id(NOON).bytes)
    return envelope, envelope.properties(TOPIC, payload, KEY), payload


def test_what_was_sealed_is_read() -> None:
    envelope, properties, payload = sealed()
    read = Envelope.read(TOPIC, properties, envelope.correlation, payload, KEY)
    assert read == envelope
    assert read.reading_id == UUID(bytes=envelope.correlation)


def test_a_flipped_byte_anywhere_is_refused() -> None:
    envelope, properties, payload = sealed()

    def refused(name: str, props: list[tuple[str, str]], correlation: bytes, body: bytes) -> None:
        with pytest.raises(EnvelopeError):
            Envelope.read(name, props, correlation, body, KEY)

    for i in range(len(payload)):
        flipped = payload[:i] + bytes([payload[i] ^ 1]) + payload[i + 1 :]
        refused(TOPIC, properties, envelope.correlation, flipped)
    for i in range(16):
        wrong = bytearray(envelope.correlation)
        wrong[i] ^= 1
        refused(TOPIC, properties, bytes(wrong), payload)
    for n, (name, value) in enumerate(properties):
        for i in range(len(value)):
            changed = value[:i] + chr(ord(value[i]) ^ 1) + value[i + 1 :]
            refused(
                TOPIC,
                [*properties[:n], (name, changed), *properties[n + 1 :]],
                envelope.correlation,
                payload,
            )
        without = properties[:n] + properties[n + 1 :]
        refused(TOPIC, without, envelope.correlation, payload)
    refused(topic("home-02", "readings"), properties, envelope.correlation, payload)
    refused(topic("home-01", "receipts"), properties, envelope.correlation, payload)


def test_another_gateways_key_opens_nothing() -> None:
    envelope, properties, payload = sealed()
    for other in (gateway_key(b"a secret of the ward", "home-02"), gateway_key(b"x", "home-01")):
        with pytest.raises(EnvelopeError, match="mac does not match"):
            Envelope.read(TOPIC, properties, envelope.correlation, payload, other)


def test_a_new_generation_is_a_new_key() -> None:
    assert gateway_key(b"s", "home-01", 1) != gateway_key(b"s", "home-01", 2)


@given(st.binary(max_size=40), st.binary(max_size=20))
def test_bytes_cannot_be_moved_between_payload_and_correlation(one: bytes, other: bytes) -> None:
    envelope = Envelope(NOON, slot=1, correlation=one)
    properties = envelope.properties(TOPIC, other, KEY)
    if one:
        with pytest.raises(EnvelopeError):
            Envelope.read(TOPIC, properties, one[:-1], one[-1:] + other, KEY)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20)), st.binary(max_size=20))
def test_no_properties_break_the_reader(properties: dict[str, str], correlation: bytes) -> None:
    with pytest.raises(EnvelopeError):
        Envelope.read(TOPIC, properties.items(), correlation, b"", KEY)


# Ids and the clock


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_when_they_were_made(one: datetime, other: datetime) -> None:
    if abs(one - other) >= timedelta(milliseconds=1):
        assert (new_id(one) < new_id(other)) is (one < other)


@given(MOMENTS)
def test_an_id_is_a_uuid_of_version_7_and_carries_its_moment(moment: datetime) -> None:
    id_ = new_id(moment)
    assert (id_.version, id_.variant) == (7, "specified in RFC 4122")
    assert abs(made_at(id_) - moment) < timedelta(milliseconds=2)


def test_the_same_facts_have_the_same_id_and_others_another() -> None:
    assert derived_id(NOON, "stay", 1) == derived_id(NOON, "stay", 1)
    assert derived_id(NOON, "stay", 1) != derived_id(NOON, "stay", 2)
    assert derived_id(NOON, "ab", "c") != derived_id(NOON, "a", "bc")


def test_every_process_of_a_demo_reads_the_same_clock() -> None:
    clock = demo_clock(real_clock().wall(), NOON, 60.0)
    assert read_clock({"HOMEWARD_DEMO_CLOCK": clock.word()}) == clock
    assert read_clock({}) == real_clock()


def test_a_demos_clock_runs_as_fast_as_it_says() -> None:
    ago = real_clock().wall() - timedelta(seconds=10)
    clock = Clock(ago, NOON, 60.0)
    assert timedelta(minutes=10) <= clock.now() - NOON < timedelta(minutes=11)


@pytest.mark.parametrize(
    "word", ["now", "2026 2026 fast", f"{NOON.isoformat()} {NOON.isoformat()} 0"]
)
def test_a_word_that_is_no_clock_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="HOMEWARD_DEMO_CLOCK is not a clock"):
        read_clock({"HOMEWARD_DEMO_CLOCK": word})
