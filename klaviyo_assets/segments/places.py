"""A declared path as files: one file, a glob or a folder, on this machine or in a store.

Everything that lists, stats or opens a file is here, through universal-pathlib; what stands in the files is not.
Rows are read by Polars' own scans, which take `SourceFile.url`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from upath import UPath

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.segments.unreadable import reading

_GLOB: Final = re.compile(r"[*?\[]")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LOCAL: Final = ("", "file")
_WEB: Final = ("http", "https")  # they list nothing: one file only
_IGNORED_STARTS: Final = (".", "_", "~")  # hidden; _SUCCESS, _temporary, _delta_log; lock files of office programs
_IGNORED_ENDS: Final = ("~", ".tmp", ".temp", ".part", ".partial", ".crdownload")
# How stores name what changes when a file is written anew; the first that a store gives is used.
_STORE_VERSIONS: Final = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "created")


@dataclass(frozen=True)
class SourceFile:
    """One file of a source."""

    path: UPath
    url: str  # what Polars opens: the local path, or the URL as it was declared
    name: str  # what messages show and marks hold: as declared, without credentials
    copy: IO[bytes] | None = None  # what stands for the file where Polars could not read it as it is

    @property
    def scanned(self) -> str | IO[bytes]:
        """What Polars' scans take."""
        return self.copy or self.url

    @contextmanager
    def open_bytes(self) -> Iterator[IO[bytes]]:
        """The file's bytes from the start, decompressed where it is gzip."""
        if self.copy:
            yield self.copy
            self.copy.seek(0)  # Polars' scans begin where it stands
            return
        with self.path.open("rb") as raw:
            is_gzip = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            raw.seek(0)
            if not is_gzip:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast(IO[bytes], unpacked)

    def is_there(self) -> bool:
        """Whether there is such a file; a store that refuses, or does not answer, raises instead of saying no."""
        if self.path.protocol in _LOCAL:
            return self.path.is_file()
        try:
            return bool(self.path.fs.info(self.path.path)["type"] == "file")
        except FileNotFoundError:
            return False

    def read_version(self) -> str:
        """Size, and ETag or time of change: other whenever the file was written anew."""
        if self.path.protocol in _LOCAL:
            stat = self.path.stat()
            return f"{stat.st_size} {stat.st_mtime_ns}"
        facts = self.path.fs.info(self.path.path)
        stamp = next((facts[key] for key in _STORE_VERSIONS if facts.get(key)), "")
        return f"{facts.get('size')} {stamp}"


@dataclass(frozen=True)
class Place:
    """A declared path, resolved."""

    path: UPath
    url: str
    name: str

    def file(self, relative: str = "") -> SourceFile:
        """The file at this place, or under it."""
        if not relative:
            return SourceFile(self.path, self.url, self.name)
        name = f"{self.name.rstrip('/')}/{relative}" if self.name else relative
        return SourceFile(self.path / relative, f"{self.url.rstrip('/')}/{relative}", name)


def resolve(declared: str, *, root: Path) -> Place:
    """The place that a declared path means: relative to `root`, absolute, or a URL.

    Raises:
        SourceUnreadable: it is a URL of a kind that is not known, or whose package is not installed.
    """
    if "://" not in declared:
        path = UPath(root) / declared
        return Place(path, str(path), declared)
    name = _without_credentials(declared)
    scheme = declared.partition("://")[0]
    try:
        path = UPath(declared)
        # A store's file system is one for the whole process, and remembers what it listed for good.
        path.fs.invalidate_cache()
    except (ImportError, ValueError):
        raise SourceUnreadable(
            f"{name} cannot be read: {scheme}:// needs a package that is not installed, expected "
            f"klaviyo-assets[s3] for s3://, klaviyo-assets[azure] for abfss:// and az://, klaviyo-assets[gcs] for "
            f"gs://, aiohttp and requests for https://; install it, or copy the files to a folder."
        ) from None
    if scheme == "file":
        return Place(UPath(path.path), path.path, name)
    return Place(path, declared, name)


def find_files(declared: str, *, root: Path, endings: Sequence[str]) -> tuple[SourceFile, ...]:
    """The files of a file, a glob or a folder, ordered by path; hidden and temporary files are left out.

    Args:
        declared: the path as declared.
        root: where a relative path starts.
        endings: how the names of files in a folder end, as ".csv"; a file or a glob may end as it likes.

    Raises:
        SourceMissing: there are none.
        SourceUnreadable: the place is of a kind that cannot be listed, cannot be reached, or is a Delta table.
    """
    with looking_up(declared):
        return _find_files(resolve(declared, root=root), declared, root=root, endings=endings)


@contextmanager
def looking_up(name: str) -> Iterator[None]:
    """Tell that what is declared as `name`, a path or a URL, cannot be looked up, where files are listed or stated.

    Raises:
        SourceUnreadable: instead of the error of a path or of the system.
    """
    name = _without_credentials(name)
    try:
        with reading(name):
            yield
    except ValueError:
        raise SourceUnreadable(
            f"{name} is no path that can be looked up, expected a file, a folder, a URL, or a glob in which ** stands "
            f"alone between slashes; correct the path."
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceUnreadable(
            f"{name} cannot be looked up, as the system says: {reason}; expected a place that this user can reach; "
            f"correct the path, or read it again when the place can be reached."
        ) from None


def missing(file: SourceFile, expected: str) -> SourceMissing:
    """The error that nothing is found where a file should be."""
    looked = "" if file.url == file.name else f" (looked in {_without_credentials(file.url)})"
    return SourceMissing(
        f"Nothing is found at {file.name}{looked}, expected {expected}; correct the path, which is relative to the "
        f"project's root, or put the files there."
    )


def _find_files(place: Place, declared: str, *, root: Path, endings: Sequence[str]) -> tuple[SourceFile, ...]:
    if place.file().is_there():
        return (place.file(),)
    if place.path.protocol in _WEB:
        raise missing(place.file(), "a file")
    if place.path.is_dir():
        _refuse_delta(place)
        found = _list_files(place, "**/*", endings)
        expected = f"files ending in {', '.join(endings)}"
    else:
        found = _glob_files(declared, root)
        expected = "a file, a folder, or a glob that matches files"
    if not found:
        raise missing(place.file(), expected)
    return found


def _glob_files(declared: str, root: Path) -> tuple[SourceFile, ...]:
    parts = declared.split("/")
    first = next((index for index, part in enumerate(parts) if _GLOB.search(part)), None)
    if first is None:
        return ()
    base = "/".join(parts[:first]) or ("/" if declared.startswith("/") else "")
    place = resolve(base, root=root)
    _refuse_delta(place)
    try:
        return _list_files(place, "/".join(parts[first:]), ("",))
    except FileNotFoundError:  # of a bucket; a folder that is not there holds nothing
        return ()


def _list_files(place: Place, pattern: str, endings: Sequence[str]) -> tuple[SourceFile, ...]:
    relatives = sorted(
        relative
        for path in place.path.glob(pattern)
        if _is_wanted(relative := path.relative_to(place.path).as_posix(), endings) and place.file(relative).is_there()
    )
    return tuple(place.file(relative) for relative in relatives)


def _is_wanted(relative: str, endings: Sequence[str]) -> bool:
    return (
        not any(part.startswith(_IGNORED_STARTS) for part in PurePosixPath(relative).parts)
        and not relative.lower().endswith(_IGNORED_ENDS)
        and relative.lower().endswith(tuple(endings))
    )


def _refuse_delta(place: Place) -> None:
    # A Delta table's folder still holds the files of rows that were deleted.
    if (place.path / "_delta_log").is_dir():
        raise SourceUnreadable(
            f"{place.name} is a Delta table, expected a folder of plain files; write type: delta, or export it "
            f"to files."
        )


def _without_credentials(url: str) -> str:
    # A query may be a signature (SAS), and user names may come with passwords.
    scheme, is_url, rest = url.partition("://")
    if not is_url:
        return url
    host, slash, path = rest.partition("/")
    user, at, address = host.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{address}{slash}{path.partition('?')[0]}"
