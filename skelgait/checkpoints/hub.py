"""Checkpoints by name on a Hugging Face hub: hf://OWNER/NAME/FILE[@REVISION]."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from skelgait.errors import CheckpointError, PathLike, reason_of
from skelgait.settings.types import checkpoint_text

_EXPECTED = "hf://OWNER/NAME/FILE[@REVISION]"
_SCHEME = re.compile("hf:(?:/|$)", re.IGNORECASE)  # of the slashes, pathlib keeps one or none
_PART = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(rf"hf:/{{1,2}}({_PART}/{_PART})/([^@]+?)(?:@([^@]+))?")
_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class CheckpointLocation:
    """File of a checkpoint on this machine, and its origin.

    Attributes:
        path: path of the file.
        name: name to find it again: its absolute path, or its name on a hub with the commit.
        commit: commit on the hub; empty: a file of this machine.
    """

    path: Path
    name: str
    commit: str = ""

    @property
    def label(self) -> str:
        """Name for reports and messages: that on the hub with the commit, or the path as it was given."""
        return self.name if self.commit else str(self.path)


def is_hub_name(checkpoint: PathLike) -> bool:
    """Return True for a name on a hub."""
    return _SCHEME.match(PurePath(checkpoint).as_posix()) is not None


def local_checkpoint(checkpoint: PathLike) -> Path:
    """Return the path of a checkpoint on this machine, see `locate_checkpoint`."""
    return locate_checkpoint(checkpoint).path


def locate_checkpoint(checkpoint: PathLike) -> CheckpointLocation:
    """Find a checkpoint on this machine; download it if its name is that of a hub, and it is not in the cache.

    Args:
        checkpoint: path, or hf://OWNER/NAME/FILE[@REVISION]; FILE may have folders, REVISION is a branch, tag or commit
            (default: the newest commit).

    Raises:
        CheckpointError: if the hub has no such file, or cannot be reached and the file is not in the cache; or if a
            download is damaged.
    """
    if not is_hub_name(checkpoint):
        path = Path(checkpoint)
        return CheckpointLocation(path, str(path.resolve()))
    repository, file, revision = _parse(PurePath(checkpoint).as_posix())
    name = f"hf://{repository}/{file}" + (f"@{revision}" if revision else "")
    path = Path(_download(name, repository, file, revision))
    _check_content(name, path)
    commit = next((part for part in reversed(path.parts) if _COMMIT.fullmatch(part)), revision or "")
    return CheckpointLocation(path, f"hf://{repository}/{file}@{commit}", commit)


def _parse(name: str) -> tuple[str, str, str | None]:
    """Return repository, file and revision (None: the newest) of a name."""
    match = _NAME.fullmatch(name)
    parts = f"{match[2]}/{match[3] or 'main'}".split("/") if match else []
    if match is None or not all(parts) or {".", ".."} & set(parts):
        hint = "for example hf://opengait/OpenGait/FOLDER/FILE.pt, or ./ before the path of a local file"
        raise CheckpointError(checkpoint_text(Path(name)), "a name that is none of a hub", _EXPECTED, hint)
    return match[1], match[2], match[3]


def _download(name: str, repository: str, file: str, revision: str | None) -> str:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        hint = "run `pip install huggingface_hub`, or download the file and pass its path"
        raise CheckpointError(name, "no huggingface_hub", "huggingface_hub, which downloads it", hint) from error
    with _clear_errors(name, repository, revision):
        return str(hf_hub_download(repository, file, revision=revision, endpoint=os.environ.get("HF_ENDPOINT")))


@contextmanager
def _clear_errors(name: str, repository: str, revision: str | None) -> Iterator[None]:
    """Turn the errors of huggingface_hub into errors with a hint."""
    from huggingface_hub import errors

    server = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    page = f"{server}/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        hint = f"accept its terms at {page}, then set HF_TOKEN to your token"
        raise CheckpointError(name, "a repository that asks for access", _EXPECTED, hint) from error
    except errors.RevisionNotFoundError as error:
        hint = f"see the branches, tags and commits at {page}, or leave out the revision"
        raise CheckpointError(name, f"no revision {revision}", "a branch, tag or commit", hint) from error
    except errors.RepositoryNotFoundError as error:
        hint = f"check {page}; for a private repository set HF_TOKEN to a token that can read it"
        raise CheckpointError(name, f"no repository {repository}, or a private one", _EXPECTED, hint) from error
    except errors.LocalEntryNotFoundError as error:
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            found, hint = "no such file in the cache, and HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE once"
        else:
            found = f"no connection to {server}, and no such file in the cache"
            hint = "connect to the network, set HF_ENDPOINT to a mirror, or download the file and pass its path"
        raise CheckpointError(name, found, _EXPECTED, hint) from error
    except errors.EntryNotFoundError as error:
        raise CheckpointError(name, "no such file in the repository", _EXPECTED, f"see {page}/tree/main") from error
    except Exception as error:  # of the network, the disk and the cache
        hint = "try again, set HF_ENDPOINT to a mirror, or download the file and pass its path"
        raise CheckpointError(name, f"a failed download ({reason_of(error)})", _EXPECTED, hint) from error


def _check_content(name: str, path: Path) -> None:
    """Compare a file of the cache with its SHA-256, which large files of a hub have as the name of their blob."""
    expected = path.resolve().name
    if _SHA256.fullmatch(expected) and file_sha256(path) != expected:
        hint = f"remove {path.resolve()}, and download it again"
        raise CheckpointError(name, "a damaged file in the cache", f"SHA-256 {expected[:12]}...", hint)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
