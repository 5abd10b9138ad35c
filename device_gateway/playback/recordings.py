"""Recordings of pulse oximeters: the samples that each device gave, and what was unreadable.

Three kinds are known by their first line: the UW induced-hypoxia files as published (`uw_raw`),
the same made tidy, and a plain CSV of `measured_at, spo2, pulse_rate[, perfusion_index]`; each
may be gzipped. A line that cannot be read is named with its number and counted: never dropped in
silence. Source of the UW files and of their faults: ubicomplab/oximetry-phone-cam-data, and
`../shared/data/README.md`.
"""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Final

from device_gateway.decode import sfloat

# The devices of the UW study by the number that their columns carry. 3 was never connected.
UW_DEVICES: Final[Mapping[int, str]] = {
    1: "3900P TT+",
    2: "Nellcor N-600X",
    4: "Nellcor N-600X",
    5: "Masimo Radical-7",
}
_HALTED: Final = "Collection Halted"
_GZIP: Final = b"\x1f\x8b"
_HALF_A_DAY: Final = timedelta(hours=12)


class RecordingError(Exception):
    """A file is not a recording that we can read. The text is safe to show."""


class LineError(ValueError):
    """One line cannot be read. The text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a device said at one moment; None is what it did not measure.

    `since_start` counts from the first sample. `measured_at` is None where the file has no date.
    Units as `vocabulary.UNITS`; decimals as printed, so that nothing drifts on its way.
    """

    since_start: timedelta
    spo2: Decimal | None
    pulse_rate: Decimal | None
    perfusion_index: Decimal | None = None
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read, by its number in the file (the first is 1)."""

    number: int
    reason: str


@dataclass(frozen=True)
class Recording:
    """The samples of one device on one person, in the order of the file."""

    name: str
    device: str
    samples: tuple[Sample, ...]

    @cached_property
    def key(self) -> str:
        """Name and fingerprint: equal for the raw and the tidy file of one recording."""
        digest = hashlib.sha256()
        for sample in self.samples:
            values = (sample.spo2, sample.pulse_rate, sample.perfusion_index)
            said = [None if value is None else value.normalize() for value in values]
            digest.update(f"{sample.since_start}|{sample.measured_at}|{said}\n".encode())
        return f"{self.name}#{digest.hexdigest()[:16]}"

    @property
    def lasts(self) -> timedelta:
        """How long after its start the last sample was taken; zero when there is none."""
        return max((sample.since_start for sample in self.samples), default=timedelta())


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """What one file held: a recording per device, and the lines that could not be read."""

    path: Path
    recordings: tuple[Recording, ...]
    bad_lines: tuple[BadLine, ...]


def read_file(path: Path) -> RecordingFile:
    """Read every recording in a file.

    Raises:
        RecordingError: the file cannot be opened, or is no recording that we know.
    """
    rows = _Rows(path)
    header = next(iter(rows), None)
    if header is None:
        raise RecordingError(f"{path.name} has no readable first line")
    names = [name.strip() for name in header[1]]
    for knows, read in _KINDS:
        if knows(names):
            recordings = tuple(read(path, names, rows))
            return RecordingFile(path, recordings, tuple(rows.bad))
    raise RecordingError(
        f"{path.name} is not a recording that we know: its first line names neither"
        " measured_at and spo2, nor the columns of the UW files"
    )


def find_files(path: Path) -> list[Path]:
    """Return `path` itself, or the recordings below a folder, by name.

    In a folder, a CSV that is no recording is passed over; it was not asked for by name.

    Raises:
        RecordingError: there is no such path, or no recording in the folder.
    """
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.name.endswith((".csv", ".csv.gz")) and _is_recording(file)
    ]
    if not found:
        raise RecordingError(f"no recording in the folder {path}")
    return found


def read_all(paths: Iterable[Path]) -> list[RecordingFile]:
    """Read files and folders in the order given; a recording met again is left out.

    Raises:
        RecordingError: one of them cannot be read.
    """
    seen: set[str] = set()
    files = []
    for path in (file for given in paths for file in find_files(given)):
        file = read_file(path)
        fresh = tuple(recording for recording in file.recordings if recording.key not in seen)
        seen.update(recording.key for recording in fresh)
        files.append(RecordingFile(file.path, fresh, file.bad_lines))
    return files


Row = tuple[int, list[str]]


@dataclass
class _Rows:
    """The lines of a file as (number, cells); what is no line of a CSV goes to `bad`."""

    path: Path
    bad: list[BadLine] = field(default_factory=list)

    @cached_property
    def _lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            content = self.path.read_bytes()
            if content.startswith(_GZIP):
                content = gzip.decompress(content)
        except (OSError, EOFError) as error:  # a damaged gzip is an OSError, a cut one an EOFError
            raise RecordingError(f"{self.path} cannot be read: {error}") from error
        return iter(enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1))

    def __iter__(self) -> Iterator[Row]:
        for number, line in self._lines:
            try:
                cells = next(csv.reader([line.decode()], strict=True), [])
            except UnicodeDecodeError:
                self.refuse(number, "not UTF-8 text")
            except csv.Error:
                self.refuse(number, "not a line of a CSV file")
            else:
                if any(cell.strip() for cell in cells):
                    yield number, cells

    def refuse(self, number: int, reason: str) -> None:
        self.bad.append(BadLine(number, reason))


def _is_recording(path: Path) -> bool:
    try:
        header = next(iter(_Rows(path)), (0, []))[1]
    except RecordingError:
        return False
    names = [name.strip() for name in header]
    return any(knows(names) for knows, _ in _KINDS)


def _read_raw(path: Path, names: Sequence[str], rows: _Rows) -> Iterator[Recording]:
    """Read a UW file as published.

    The header is shorter than the data and its blanks stand in the wrong place, but not before
    the 16 columns that we read. The time is the first, whatever its name.
    """
    columns = {
        device: tuple(_place(names, f"{what} {device}") for what in ("SpO2", "Pulse", "PI"))
        for device in range(1, 6)
    }
    recorded = _Recorded(rows)
    for number, cells in rows:
        if cells[0].strip() == _HALTED:
            break
        recorded.add(path.stem.split(".")[0], number, cells, cells[0], columns)
    for number, _ in rows:
        rows.refuse(number, f"after the end of the recording ({_HALTED})")
    return recorded.recordings()


def _read_tidy(_: Path, names: Sequence[str], rows: _Rows) -> Iterator[Recording]:
    columns = {
        device: tuple(_place(names, f"{what}_{device}") for what in ("spo2", "pulse", "pi"))
        for device in UW_DEVICES
    }
    recorded = _Recorded(rows)
    subject_at, time_at = names.index("subject"), names.index("time")
    for number, cells in rows:
        if len(cells) <= max(subject_at, time_at):
            rows.refuse(number, f"only {len(cells)} cells")
            continue
        recorded.add(cells[subject_at].strip(), number, cells, cells[time_at], columns)
    return recorded.recordings()


Columns = tuple[int | None, ...]


def _place(names: Sequence[str], name: str) -> int | None:
    return names.index(name) if name in names else None


@dataclass
class _Recorded:
    """Gathers the samples of the devices that stand side by side in the UW files."""

    rows: _Rows
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)
    clocks: dict[str, "_DayClock"] = field(default_factory=dict)

    def add(
        self,
        subject: str,
        number: int,
        cells: Sequence[str],
        time: str,
        columns: Mapping[int, Columns],
    ) -> None:
        """Take one line apart; a device whose cells cannot be read is named, the others stand."""
        clock = self.clocks.setdefault(subject, _DayClock())
        try:
            since_start = clock.since_start(time)
        except LineError as error:
            self.rows.refuse(number, str(error))
            return
        for device, places in columns.items():
            try:
                spo2, pulse_rate, perfusion_index = (_uw_value(cells, at) for at in places)
            except LineError as error:
                self.rows.refuse(number, f"device {device}: {error}")
                continue
            sample = Sample(since_start, spo2, pulse_rate, perfusion_index)
            self.samples.setdefault((subject, device), []).append(sample)

    def recordings(self) -> Iterator[Recording]:
        """Yield the devices that measured anything: one that never did was not connected."""
        for (subject, device), samples in self.samples.items():
            if any(sample.spo2 is not None for sample in samples):
                model = UW_DEVICES.get(device, "")
                yield Recording(f"{subject}/{device}", model, tuple(samples))


@dataclass
class _DayClock:
    """Turns times of day without a date into time since the first; passes midnight."""

    first: timedelta | None = None
    last: timedelta = timedelta()

    def since_start(self, time: str) -> timedelta:
        """Return how long after the first time this one is.

        Raises:
            LineError: it is no time of day, or it runs backwards.
        """
        try:
            hours, minutes, seconds = (int(part) for part in time.strip().split(":"))
            if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
                raise ValueError
        except ValueError as error:
            raise LineError("the time is not HH:MM:SS") from error
        moment = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if self.first is None:
            self.first = self.last = moment
        while moment < self.last - _HALF_A_DAY:
            moment += timedelta(days=1)
        if moment < self.last:
            raise LineError("the time runs backwards")
        self.last = moment
        return moment - self.first


def _uw_value(cells: Sequence[str], at: int | None) -> Decimal | None:
    """Return a value of the UW files, where 0 and -327.67 stand for nothing measured."""
    if at is None:
        return None
    value = _number(cells, at)
    return None if value is None or value <= 0 else _sendable(value, at)


def _read_plain(path: Path, names: Sequence[str], rows: _Rows) -> Iterator[Recording]:
    """Read `measured_at, spo2, pulse_rate[, perfusion_index]`; a blank cell was not measured."""
    places = [_place(names, name) for name in ("spo2", "pulse_rate", "perfusion_index")]
    samples: list[Sample] = []
    for number, cells in rows:
        try:
            measured_at = _moment(cells, names.index("measured_at"))
            spo2, pulse_rate, index = (_plain_value(cells, at) for at in places)
        except LineError as error:
            rows.refuse(number, str(error))
            continue
        began = samples[0].measured_at if samples else measured_at
        assert began is not None  # noqa: S101 - every sample of this kind has its moment
        samples.append(Sample(measured_at - began, spo2, pulse_rate, index, measured_at))
    if samples:
        yield Recording(path.name.split(".")[0], "", tuple(samples))


def _moment(cells: Sequence[str], at: int) -> datetime:
    try:
        moment = datetime.fromisoformat(cells[at].strip())
    except (ValueError, IndexError) as error:
        raise LineError("measured_at is not a time like 2026-01-31T08:00:00+00:00") from error
    if moment.tzinfo is None:
        raise LineError("measured_at has no offset; write it like 2026-01-31T08:00:00+00:00")
    return moment


def _plain_value(cells: Sequence[str], at: int | None) -> Decimal | None:
    """Return a value as it stands: whether to believe it is for the ward to say."""
    if at is None:
        return None
    value = _number(cells, at)
    return None if value is None else _sendable(value, at)


def _number(cells: Sequence[str], at: int) -> Decimal | None:
    """Return the number in a cell, None when it is blank.

    Raises:
        LineError: there is no such cell, or no number in it.
    """
    if at >= len(cells):
        raise LineError(f"only {len(cells)} cells")
    text = cells[at].strip()
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise LineError(f"cell {at + 1} is not a number") from error
    if not value.is_finite():
        raise LineError(f"cell {at + 1} is not a number")
    return value


def _sendable(value: Decimal, at: int) -> Decimal:
    """Return a value that an oximeter can send as it is: rounding it would be inventing.

    Raises:
        LineError: none can.
    """
    try:
        sfloat.write(value)
    except ValueError as error:
        raise LineError(f"cell {at + 1}: no oximeter can send this number exactly") from error
    return value


def _has(*wanted: str) -> Callable[[Sequence[str]], bool]:
    return lambda names: set(wanted) <= set(names)


_KINDS: Final[
    tuple[
        tuple[
            Callable[[Sequence[str]], bool],
            Callable[[Path, Sequence[str], _Rows], Iterator[Recording]],
        ],
        ...,
    ]
] = (
    (_has("measured_at", "spo2"), _read_plain),
    (_has("subject", "time", "spo2_1"), _read_tidy),
    (_has("SpO2 1", "Pulse 1", "PI 1"), _read_raw),
)
