#!/usr/bin/env python3
"""Packs folders so that the same contents give the same archive, whenever and by whomever it is made.

pack.py TIME FOLDER ARCHIVE: TIME in seconds since 1970, ARCHIVE ends with .zip or .tar.gz
"""

import gzip
import io
import os
import pathlib
import sys
import tarfile
import time
import zipfile


def contents(folder):
    """The files and links with their names in the archive, in the order of names."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            yield path, path.relative_to(folder.parent).as_posix()


def mode_of(path):
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def pack_zip(seconds, folder, archive):
    """Links become files, since not every system has them."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path, name in contents(folder):
            entry = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            entry.create_system = 3  # so that the next line is understood as Unix has it
            entry.external_attr = (0o100000 | mode_of(path)) << 16
            packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def pack_tar(seconds, folder, archive):
    with (
        open(archive, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path, name in contents(folder):
            entry = tarfile.TarInfo(name)
            entry.mtime = seconds
            if path.is_symlink():
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                tar.addfile(entry)
                continue
            data = path.read_bytes()
            entry.size, entry.mode = len(data), mode_of(path)
            tar.addfile(entry, io.BytesIO(data))


def main():
    seconds, folder, archive = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    pack = pack_zip if archive.endswith(".zip") else pack_tar
    pack(seconds, folder, archive)


main()
