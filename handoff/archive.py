"""The file that a backup is: a tar.gz with a manifest first and then the files that it names; rung 6 of the ladder.

Knows nothing of what the files mean. Reading trusts nothing: names come from a closed list, sizes and digests from
the manifest, and no path of the archive is ever used as one.
"""

import hashlib
import io
import os
import secrets
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from handoff.errors import BackupRefused

FORMAT = 1
"""Rises when an older Baton could not restore what this one writes."""

MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 100_000
CHUNK_BYTES = 1 << 20
COMPRESSION_LEVEL = 6
"""Half the time of the highest, for some per cent more bytes."""


class ArchivedFile(msgspec.Struct, frozen=True):
    """What a file of the archive must be."""

    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is of; `log` says where the conversations were kept, `made_at` is ISO 8601 in UTC."""

    format: int
    baton_version: str
    made_at: str
    log: str
    log_epoch: str | None
    counts: dict[str, int]
    files: dict[str, ArchivedFile]


def describe_files(folder: Path, names: list[str]) -> dict[str, ArchivedFile]:
    """Give size and digest of files below `folder`."""
    described = {}
    for name in names:
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        described[name] = ArchivedFile((folder / name).stat().st_size, digest)
    return described


def write_archive(target: Path, manifest: Manifest, folder: Path) -> None:
    """Write the manifest and its files from `folder` to `target`, readable by its owner only.

    `target` appears whole and on the disk, or not at all.

    Raises:
        BackupRefused: it exists already, or cannot be written.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _write_tar(file, manifest, folder)
            file.flush()
            os.fsync(file.fileno())
        # Takes the name first: a rename alone would replace what came there meanwhile.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        partial.replace(target)
        _flush_folder(target.parent)
    except FileExistsError as exc:
        raise BackupRefused(f"{target} is there already, and a backup never replaces a file.") from exc
    except OSError as exc:
        raise BackupRefused(f"{target} cannot be written: {exc}.") from exc
    finally:
        partial.unlink(missing_ok=True)


def read_archive(path: Path, folder: Path, *, allowed: frozenset[str], has_room: Callable[[int], bool]) -> Manifest:
    """Unpack an archive into `folder`, each file compared with the manifest.

    Raises:
        BackupRefused: it is no backup of Baton's, is damaged, incomplete, of a newer format, or holds what no backup
            holds; or `has_room` says that its bytes do not fit.
    """
    with _refusing(path), tarfile.open(path, "r:gz") as tar:
        manifest = _read_manifest(tar, path)
        _check_names(manifest, path, allowed)
        if not has_room(sum(file.size_bytes for file in manifest.files.values())):
            raise BackupRefused(f"There is not enough free space to unpack {path.name}. Free some, then try again.")
        missing = dict(manifest.files)
        while member := tar.next():
            expected = missing.pop(member.name, None)
            if expected is None or not member.isreg() or member.size != expected.size_bytes:
                raise BackupRefused(f"{path} holds {member.name!r}, which its manifest does not promise.")
            _unpack(tar, member, folder / member.name, expected)
        if missing:
            raise BackupRefused(f"{path} is not whole: {', '.join(missing)} is missing.")
    return manifest


def _write_tar(file: IO[bytes], manifest: Manifest, folder: Path) -> None:
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION_LEVEL) as tar:
        text = msgspec.json.format(msgspec.json.encode(manifest))
        _add(tar, MANIFEST, len(text), io.BytesIO(text))
        for name, described in manifest.files.items():
            with (folder / name).open("rb") as content:
                _add(tar, name, described.size_bytes, content)


def _add(tar: tarfile.TarFile, name: str, size_bytes: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o600
    member.mtime = int(time.time())
    tar.addfile(member, content)


def _read_manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MANIFEST_MAX_BYTES:
        raise BackupRefused(f"{path} is not a backup of Baton's.")
    raw = b"".join(_chunks(tar, first))
    found = msgspec.json.decode(raw, type=_Format)
    if found.format > FORMAT:
        raise BackupRefused(
            f"{path} was made by a newer Baton ({found.baton_version}). Install that one to restore it."
        )
    return msgspec.json.decode(raw, type=Manifest)


class _Format(msgspec.Struct):
    """What every manifest has, however new."""

    format: int
    baton_version: str


def _check_names(manifest: Manifest, path: Path, allowed: frozenset[str]) -> None:
    for name in manifest.files:
        if name not in allowed:
            raise BackupRefused(f"{path} holds {name!r}, which no backup of Baton's does.")


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, expected: ArchivedFile) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in _chunks(tar, member):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != expected.sha256:
        raise BackupRefused(f"{member.name} of this backup is damaged: its digest is not the one that was noted.")


def _chunks(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    content = tar.extractfile(member)
    while chunk := content.read(CHUNK_BYTES) if content else b"":
        yield chunk


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, msgspec.DecodeError) as exc:
        raise BackupRefused(f"{path} is not a backup of Baton's, or is damaged: {exc}.") from exc
    except OSError as exc:
        raise BackupRefused(f"{path} cannot be read: {exc}.") from exc


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def counted(counts: Mapping[str, int]) -> str:
    """Say counts in words: 3 conversations, 41 events."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
