"""The files of a folder, of a zip archive, or a single one, read within limits.

Nothing outside is ever reached: links are not followed, names that lead out of an archive are refused, and
nothing is unpacked to the disk. What is refused is reported, so that nobody misses it later.
"""

import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.reading import COLLECTION_MAX_BYTES, FILES_MAX, FileNote

# All that an archive may unpack to; what lies packed in it is not trusted to say so itself.
ARCHIVE_MAX_BYTES = 500_000_000
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UTF8_FLAG = 0x800
_IGNORED_FOLDERS = {"__MACOSX", "node_modules"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: its path within the source, with slashes, and the way to its bytes."""

    name: str
    read_at_most: Callable[[int], bytes]

    def read(self, max_bytes: int) -> bytes:
        """Return all bytes; raise `InvalidInputError` if there are more than `max_bytes`."""
        data = self.read_at_most(max_bytes + 1)
        if len(data) > max_bytes:
            raise InvalidInputError("file_too_big", f"It has more than {max_bytes} bytes, which is the most.")
        return data


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """What there is to read, in the order of the paths, and what must not be read."""

    files: Sequence[SourceFile]
    refused: Sequence[FileNote]


@contextmanager
def open_files(path: Path) -> Iterator[SourceFiles]:
    """List a folder, a zip archive or a single file; the files can be read until the block ends.

    Raises:
        InvalidInputError: if there is nothing, or far too much, or an archive that cannot be read.
    """
    if path.is_dir():
        yield _list_folder(path)
    elif not path.is_file():
        raise InvalidInputError("folder_missing", f"There is no file or folder {path}.")
    elif path.suffix.lower() == ".zip":
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
            raise InvalidInputError("archive_broken", f"{path} is not a zip archive that can be read: {exc}.") from exc
        with archive:
            yield _list_archive(archive, path)
    else:
        yield SourceFiles([SourceFile(_clean_name(path.name), lambda count: _read(path, count))], [])


def describe_ignored(names: Sequence[str]) -> FileNote | None:
    """Say in one line which files were not looked at, by suffix; None if there are none."""
    suffixes = Counter(os.path.splitext(name)[1].lower() or "without a suffix" for name in names)
    if not suffixes:
        return None
    listed = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(8))
    return FileNote("other files", f"Not read, since they are no articles: {listed}.")


def _list_folder(folder: Path) -> SourceFiles:
    files: list[SourceFile] = []
    refused: list[FileNote] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _IGNORED_FOLDERS)
        refused += [_refuse_link(Path(root, name), folder) for name in folders if Path(root, name).is_symlink()]
        for name in sorted(names):
            path = Path(root, name)
            source = _clean_name(path.relative_to(folder).as_posix())
            if name.startswith("."):
                continue
            if path.is_symlink():
                refused.append(_refuse_link(path, folder))
            elif not stat.S_ISREG(path.lstat().st_mode):
                refused.append(FileNote(source, "It is not a regular file."))
            else:
                files.append(SourceFile(source, lambda count, path=path: _read(path, count)))  # type: ignore[misc]
        _check_count(len(files), folder)
    return SourceFiles(sorted(files, key=lambda file: file.name), sorted(refused, key=lambda note: note.source))


def _refuse_link(path: Path, folder: Path) -> FileNote:
    source = _clean_name(path.relative_to(folder).as_posix())
    return FileNote(source, "It is a symbolic link; only real files are imported.")


def _clean_name(name: str) -> str:
    """Return a path that can be stored and printed: bytes that are no UTF-8 and control characters become "�"."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub("\ufffd", text)


def _read(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as exc:
        raise InvalidInputError("file_unreadable", f"It cannot be read ({exc.strerror}).") from exc


def _list_archive(archive: zipfile.ZipFile, path: Path) -> SourceFiles:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _check_count(len(entries), path)
    budget = _Budget(ARCHIVE_MAX_BYTES)
    files: dict[str, SourceFile] = {}
    refused: list[FileNote] = []
    for entry in entries:
        name = _clean_name(_decode_name(entry).replace("\\", "/"))
        parts = name.split("/")
        if any(part in _IGNORED_FOLDERS or (part.startswith(".") and part != "..") for part in parts):
            continue
        if reason := _find_reason(entry, parts, name in files):
            refused.append(FileNote(name, reason))
        else:
            files[name] = SourceFile(
                name,
                lambda count, entry=entry: _read_entry(archive, entry, count, budget),  # type: ignore[misc]
            )
    return SourceFiles([files[name] for name in sorted(files)], refused)


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name. Many programs write UTF-8 without saying so; what is none by chance looks like none."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _find_reason(entry: zipfile.ZipInfo, parts: Sequence[str], is_known: bool) -> str:
    """Say why an entry must not be read; empty if it may be."""
    if ".." in parts or not parts[0] or ":" in parts[0]:
        return "Its path leads out of the archive."
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "It is a symbolic link; only real files are imported."
    if entry.flag_bits & 1:
        return "It is encrypted; make the archive without a password."
    return "The archive holds two files of this name; the first one counts." if is_known else ""


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, count: int, budget: "_Budget") -> bytes:
    try:
        with archive.open(entry) as file:
            data = file.read(count)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as exc:
        raise InvalidInputError("archive_broken", f"The archive is damaged here ({exc}).") from exc
    budget.spend(len(data))
    return data


class _Budget:
    """How much an archive may still unpack to."""

    def __init__(self, left_bytes: int) -> None:
        self._left_bytes = left_bytes

    def spend(self, count: int) -> None:
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise InvalidInputError(
                "archive_too_big", f"The archive unpacks to more than {ARCHIVE_MAX_BYTES} bytes; unpack it yourself."
            )


def _check_count(count: int, path: Path) -> None:
    if count > FILES_MAX:
        raise InvalidInputError("too_many_files", f"{path} holds more than {FILES_MAX} files; import it in parts.")


def check_zip_parts(archive: zipfile.ZipFile) -> None:
    """Raise `InvalidInputError` unless all parts together unpack to a size that can be read in memory."""
    left_bytes = COLLECTION_MAX_BYTES
    for entry in archive.infolist():
        with archive.open(entry) as part:
            left_bytes -= len(part.read(left_bytes + 1))
        if left_bytes < 0:
            raise InvalidInputError("file_too_big", f"It unpacks to more than {COLLECTION_MAX_BYTES} bytes.")
