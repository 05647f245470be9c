"""Keras leaves its archives uncompressed, most of them zeros."""

import zipfile


def squeeze(path):
    """Compress a .keras file in place; its members keep no time, so that the same model gives the same names and sizes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
