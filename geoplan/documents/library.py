"""A planner's own copies of plan texts, outside the project: ``<sha256>.<suffix>`` in the user's data folder.

Plan texts are not the project's to hand on, so a copy goes neither into the repository nor into a build. A copy is
known by the hash of its bytes alone; that hash is compared again before its text is shown.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from geoplan.documents.plans import PlanDocument, load_plans
from geoplan.documents.reading.source import read_source
from geoplan.errors import DocumentError
from geoplan.provenance import sha256_file
from geoplan.settings import Settings

FORMATS = ("txt", "md", "html", "docx", "pdf")
"""Formats of copies, which are their suffixes too."""

_TEXT = frozenset({"txt", "md"})
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy in the library.

    Attributes
    ----------
    path, sha256, size
        Where it is, and its bytes.
    plan
        The registered plan whose text it is; None for a text that no record cites.
    new
        False when the library had it already.
    mended
        True when line ends, encoding or byte order mark were brought back to those of the registered text.
    """

    path: Path
    sha256: str
    size: int
    plan: PlanDocument | None = None
    new: bool = False
    mended: bool = False


def add_copy(settings: Settings, path: Path) -> Kept:
    """Keep a copy of a plan's text; the file itself stays as it is.

    Raises
    ------
    DocumentError
        If the file is missing, no file, empty, too large or of another format, or the copy cannot be written.
    LayerError
        If the project's list of plans cannot be read.
    """
    plans = by_hash(settings)
    folder = _folder(settings)
    source = read_source(path)
    data = source.data
    digest = hashlib.sha256(data).hexdigest()
    mended = False
    if digest not in plans and source.format in _TEXT:
        found = next((form for form in _other_forms(data) if hashlib.sha256(form).hexdigest() in plans), None)
        if found is not None:
            data, digest, mended = found, hashlib.sha256(found).hexdigest(), True
    known = find_copy(settings, digest)
    if known is not None:
        return Kept(known, digest, len(data), plans.get(digest), mended=mended)
    target = folder / f"{digest}.{source.format}"
    try:
        _write(target, data)
    except OSError as error:
        raise DocumentError(
            f"the copy cannot be written to {folder}: {error.strerror or error}. Nothing was kept."
        ) from None
    return Kept(target, digest, len(data), plans.get(digest), new=True, mended=mended)


def find_copy(settings: Settings, sha256: str) -> Path | None:
    """The copy with this hash; None when there is none, or its bytes are no longer those."""
    if settings.plans_dir is None or not _SHA256.fullmatch(sha256):
        return None
    for suffix in FORMATS:
        path = settings.plans_dir / f"{sha256}.{suffix}"
        try:
            status = path.stat()
            if _hash(path, status.st_mtime_ns, status.st_size) == sha256:
                return path
        except OSError:
            continue
    return None


def copies(settings: Settings) -> list[Kept]:
    """All copies, those of registered plans first in the order of the plans, then the others by hash."""
    plans = by_hash(settings)
    if settings.plans_dir is None or not settings.plans_dir.is_dir():
        return []
    names = {path.stem for path in settings.plans_dir.iterdir() if _SHA256.fullmatch(path.stem)}
    order = {sha256: number for number, sha256 in enumerate(plans)}
    found = []
    for sha256 in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        path = find_copy(settings, sha256)
        if path is not None:
            found.append(Kept(path, sha256, path.stat().st_size, plans.get(sha256)))
    return found


def remove_copy(settings: Settings, name: str) -> Kept:
    """Remove the copy of a plan by its id, or any copy by the beginning of its hash (eight characters or more).

    Raises
    ------
    DocumentError
        If no copy, or more than one, has that name, or it cannot be removed.
    """
    found = [kept for kept in copies(settings) if name in {kept.plan.id if kept.plan else None, kept.sha256}]
    if not found and re.fullmatch(r"[0-9a-f]{8,63}", name):
        found = [kept for kept in copies(settings) if kept.sha256.startswith(name)]
    if len(found) != 1:
        raise DocumentError(f"no copy is kept of {name!r}; `geoplan plans list` shows what is kept.")
    try:
        found[0].path.unlink()
    except OSError as error:
        raise DocumentError(f"{found[0].path} cannot be removed: {error.strerror or error}.") from None
    return found[0]


def by_hash(settings: Settings) -> Mapping[str, PlanDocument]:
    """The registered plans by the hash of their text, in the order of ``plans.toml``."""
    return {plan.sha256: plan for plan in load_plans(settings.layers_dir / "plans.toml").values()}


def _folder(settings: Settings) -> Path:
    folder = settings.plans_dir
    if folder is None:
        raise DocumentError("no folder for copies of plans is set; set GEOPLAN_PLANS.")
    # A link may lead into the project, so both are compared as they really lie.
    if any(folder.resolve().is_relative_to(place.resolve()) for place in (settings.root, settings.build_dir)):
        raise DocumentError(f"{folder} lies in the project; plan texts stay outside of it. Set GEOPLAN_PLANS.")
    return folder


def _other_forms(data: bytes) -> list[bytes]:
    """The same text with the line ends, byte order marks and encodings that editors leave."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            return []
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    forms = [plain, plain.rstrip("\n"), plain.rstrip("\n") + "\n"]
    forms += [form.replace("\n", "\r\n") for form in forms]
    return [mark + form.encode() for form in dict.fromkeys(forms) for mark in (b"", b"\xef\xbb\xbf")]


def _write(target: Path, data: bytes) -> None:
    """Write a new file for its owner alone, whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # NamedTemporaryFile makes files with mode 0600.
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".new-", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            stream.write(data)
            stream.flush()
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@lru_cache(maxsize=256)
def _hash(path: Path, _mtime_ns: int, _size: int) -> str:
    """Hash of a file, computed once as long as its time and size stay the same."""
    return sha256_file(path)
