"""The reassembler by itself, with a framing made for the purpose: `#`, length, body, sum."""

import pytest

from device_gateway.decode.frame import FrameError
from device_gateway.decode.stream import Framing, Stream, Thrown, refuse_broken

LONGEST = 9


def length(held: bytes) -> int | None:
    if held[0] != ord("#"):
        return 0
    if len(held) < 2:
        return None
    return 3 + held[1] if held[1] <= LONGEST else 0


def fault(frame: bytes) -> str:
    return "" if sum(frame[:-1]) % 256 == frame[-1] else "wrong sum"


FRAMING = Framing(length, fault)


def a_frame(body: bytes) -> bytes:
    head = b"#" + bytes([len(body)]) + body
    return head + bytes([sum(head) % 256])


ONE, TWO = a_frame(b"one"), a_frame(b"")


def test_without_framing_each_chunk_is_a_frame() -> None:
    stream = Stream()
    assert stream.feed(b"abc") == [b"abc"]
    assert stream.feed(b"") == [b""]
    assert stream.end() == []


def test_nothing_comes_before_a_frame_is_whole() -> None:
    stream = Stream(FRAMING)
    for byte in ONE[:-1]:
        assert stream.feed(bytes([byte])) == []
    assert stream.feed(ONE[-1:] + TWO) == [ONE, TWO]


def test_noise_is_thrown_away_in_one_piece_with_its_reason() -> None:
    stream = Stream(FRAMING)
    assert stream.feed(b"noise" + ONE) == [Thrown(b"noise", "no frame begins here"), ONE]


def test_a_wrong_sum_costs_one_frame() -> None:
    broken = ONE[:-1] + bytes([ONE[-1] ^ 1])
    stream = Stream(FRAMING)
    assert stream.feed(TWO + broken + TWO) == [TWO, Thrown(broken, "wrong sum"), TWO]


def test_a_length_that_is_too_long_takes_no_good_frame_with_it() -> None:
    broken = b"#" + bytes([LONGEST]) + b"one"
    stream = Stream(FRAMING)
    assert stream.feed(broken + TWO) == []  # it could still become whole
    assert stream.feed(TWO + TWO) == [Thrown(broken, "wrong sum"), TWO, TWO, TWO]


def test_a_length_beyond_all_bounds_is_not_waited_for() -> None:
    stream = Stream(FRAMING)
    assert stream.feed(b"#\xff" + TWO) == [Thrown(b"#\xff", "no frame begins here"), TWO]


def test_what_is_held_at_the_end_is_given_back_or_said_to_be_lost() -> None:
    stream = Stream(FRAMING)
    assert stream.feed(b"#\x09on" + TWO) == []
    assert stream.end() == [Thrown(b"#\x09on", "cut off"), TWO]
    assert stream.end() == []
    assert stream.feed(ONE) == [ONE]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "too short: 0 bytes"),
        (b"#", "too short: 1 bytes"),
        (ONE[:-1], "too short: 5 bytes"),
        (b"noise", "no frame begins here"),
        (ONE[:-1] + b"\0", "wrong sum"),
        (ONE + TWO, "3 bytes after the end"),
    ],
)
def test_one_whole_frame_or_a_reason(frame: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        refuse_broken(FRAMING, frame)
    refuse_broken(FRAMING, ONE)
