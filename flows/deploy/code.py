"""Code versions: each is pushed whole to a folder of its own in the bucket, named by its content, and never changes."""

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefect_aws import S3Bucket

from blocks.lakes import source_block
from blocks.names import SOURCE_BLOCK, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block, open_store
from flows.deploy import pulled
from flows.deploy.leaks import is_secret_name, secrets_in
from flows.deploy.version import folder_of, pack
from flows.steps.shipped import PACKAGES
from lake.bucket import LAKE_BLOCK
from lake.errors import ConflictError, LakeError, StoreError, UnknownNameError
from lake.layout import CODE_ARCHIVE, CODE_MANIFEST
from lake.store import Store
from lake.text import counted

# The step of a deployment that fetches a version and checks it; and that of deployments that were made before, which
# only fetches it.
PULL = "prefect.deployments.steps.run_shell_script"
FORMER_PULL = "prefect_aws.deployments.steps.pull_from_s3"

# A run needs these files; no others are ever pushed. What makes a page reads the lake as readers do.
ALLOWED = (
    "blocks/**/*.py",
    "flows/*.py",
    "flows/steps/**/*.py",
    "lake/*.py",
    "lake/assemble/**/*.py",
    "lake/catalog/**/*.py",
    "lake/crawl/**/*.py",
    "lake/publish/**/*.py",
    "lake/tables/**/*.py",
    "lake/read/**/*.py",
    "lake/report/**/*.py",
    "lake/report/*.css",
    "lake/report/*.html",
    "lake/views/**/*.py",
)


@dataclass(frozen=True)
class Code:
    """The files of one code version, by path; they are read once, so the checked bytes are the pushed ones."""

    files: Mapping[str, bytes]

    @cached_property
    def manifest(self) -> bytes:
        """Every file with its SHA-256, as JSON; the same files give the same bytes."""
        return json.dumps({"files": self.hashes}, indent=1).encode()

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file, by path."""
        return {path: sha256(body).hexdigest() for path, body in sorted(self.files.items())}

    @cached_property
    def archive(self) -> bytes:
        """All files in one object, as a push from this machine makes it."""
        return pack(self.files)

    @property
    def sha256(self) -> str:
        """The hash of the manifest, and so of all files."""
        return sha256(self.manifest).hexdigest()

    @property
    def version(self) -> str:
        """The name of these files: the same content has the same name, wherever and whenever it is pushed."""
        return self.sha256[:12]

    @property
    def folder(self) -> str:
        """The folder of this version below the lake's prefix."""
        return folder_of(self.version)

    def lines(self) -> list[str]:
        """Return the list of files that a push would upload, as lines for a person."""
        total = sum(map(len, self.files.values()))
        return [
            *(f"{len(body):>9,}  {path}" for path, body in sorted(self.files.items())),
            f"{total:>9,}  bytes in {counted(len(self.files), 'file')}, version {self.version}",
        ]


def collect(root: Path) -> Code:
    """Read the files that a push from this folder uploads.

    Raises:
        LakeError: A package is not there, or a file looks like a secret; the message names file and line.
    """
    absent = [package for package in PACKAGES if not (root / package / "__init__.py").is_file()]
    if absent:
        raise LakeError(
            f"{root.resolve()}: expected the packages {', '.join(PACKAGES)}, found no {', '.join(absent)};"
            " push from the folder of prefect.yaml"
        )
    paths = sorted(path for pattern in ALLOWED for path in root.glob(pattern) if path.is_file())
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    found = [
        f"{path.relative_to(root).as_posix()}: the name of a file with secrets"
        for package in PACKAGES
        for path in sorted((root / package).rglob("*"))
        if is_secret_name(path.name)
    ]
    found += [
        f"{path}, line {line}: looks like {kind}" for path, body in files.items() for line, kind in secrets_in(body)
    ]
    if found:
        raise LakeError(
            "\n- ".join(("nothing was pushed; keep secrets in Prefect blocks, outside of the code:", *found))
        )
    return Code(files)


def push(store: Store, code: Code) -> int:
    """Upload what the bucket lacks of a version, the manifest last; return how many objects were created.

    A version that lies there whole is left, also if earlier code pushed its files one by one.

    Raises:
        ConflictError: The manifest of this version exists with other content.
        StoreError: The folder holds an object that is not part of the version, or an archive of other files.
    """
    found = {item.key.removeprefix(code.folder): item.size for item in store.list(code.folder)}
    single = {path: len(body) for path, body in code.files.items()}
    is_part = single.items() | {(name, found.get(name)) for name in (CODE_ARCHIVE, CODE_MANIFEST)}
    if strange := sorted(name for name, _ in found.items() - is_part):
        raise StoreError(
            f"{store.uri(code.folder)}: expected the files of this version only, found {', '.join(strange)};"
            " find out who put them there, and remove them: somebody may take them for code"
        )
    is_whole_in_files = CODE_ARCHIVE not in found and CODE_MANIFEST in found and single.keys() <= found.keys()
    created = 0
    if not is_whole_in_files and found.get(CODE_ARCHIVE) != len(code.archive):
        created += _create_archive(store, code)
    if found.get(CODE_MANIFEST) != len(code.manifest):
        store.create(f"{code.folder}{CODE_MANIFEST}", code.manifest)
        created += 1
    return created


def _create_archive(store: Store, code: Code) -> int:
    """Create a version's archive, and return 1; return 0 if it is there, made of the same files by another zlib.

    Raises:
        StoreError: An archive of other files is there.
    """
    try:
        store.create(f"{code.folder}{CODE_ARCHIVE}", code.archive)
    except ConflictError as error:
        _, differs = pulled.read(code.hashes, lambda name: store.find(f"{code.folder}{name}"))
        if differs:
            raise StoreError(
                f"{error.uri}: expected the files of this version, found {len(differs)} that differ"
                f" ({', '.join(map(repr, differs[: pulled.NAMED]))}); find out who changed them, remove"
                f" {store.uri(code.folder)}, and deploy again"
            ) from error
        return 0
    return 1


def push_code(block: str = "", source: str = "") -> dict[str, str]:
    """Push the code in the working directory to the lake of an `S3Bucket` block; a step of ``prefect deploy``.

    Prefect runs it once for each deployment; after the first it costs one request. Returns bucket, folder, version and
    git commit, for the pull step and the deployment, and the command that pulls the code and checks it; and the names
    of the lake and its source, for the deployments. An empty `block` is the first lake's, because an environment
    without the variable gives it, and an empty `source` is that which `setup` saved with the lake.

    Raises:
        LakeError: There is no such block, the code is not whole or holds a secret, or S3 refused.
    """
    root = Path.cwd()
    code = collect(root)
    names = Names(block or LAKE_BLOCK)
    saved = load_block(S3Bucket, names.lake)
    if saved is None:
        raise StoreError(
            f"no S3Bucket block {names.lake!r} is saved; run `pokelake setup{names.flags} --bucket B` first"
        )
    store = open_store(saved)
    created = push(store, code)
    made = f"{counted(created, 'object')} created" if created else "already there"
    print(f"{store.uri(code.folder)}: {counted(len(code.files), 'file')}, {made}")
    return {
        "bucket": store.bucket,
        "folder": f"{store.prefix}{code.folder}",
        "version": code.version,
        "commit": checked_out(root),
        "sha256": code.sha256,
        "pull": pull_command(),
        **deployed_names(names, source),
    }


def deployed_names(names: Names, source: str = "") -> dict[str, str]:
    """Return what the deployments of a lake are named after.

    Raises:
        UnknownNameError: The source's block is not saved.
    """
    source = source or source_block(names.lake)
    # Without that of the first lake one may deploy, and set up later.
    if source != SOURCE_BLOCK and load_block(SourceConfig, source) is None:
        raise UnknownNameError("source block", source, advice=f"run `pokelake setup{names.flags} --source-block NAME`")
    return {"lake": names.lake, "source": source, "suffix": names.suffix}


def pulled_from(steps: Sequence[Mapping[str, Any]] | None) -> tuple[str, str] | None:
    """Return the bucket and the folder that a deployment's steps pull its code from; None if they pull none."""
    for step in steps or ():
        given = step.get(PULL, {}).get("env") or {}
        if "BUCKET" in given and "FOLDER" in given:
            return given["BUCKET"], given["FOLDER"]
        if FORMER_PULL in step:
            return step[FORMER_PULL]["bucket"], step[FORMER_PULL]["folder"]
    return None


def is_pulling(step: Mapping[str, Any]) -> bool:
    """Tell whether a deployment's step is one of those that fetch and check its code, of now or of before."""
    return FORMER_PULL in step or "VERSION" in (step.get(PULL, {}).get("env") or {})


def pull_step(bucket: str, folder: str, version: str, sha256: str, pool: str, lake: str) -> dict[str, Any]:
    """Return the step that a deployment pulls a version by, as `prefect.yaml` has it."""
    env = {
        "BUCKET": bucket,
        "FOLDER": folder,
        "VERSION": version,
        "MANIFEST_SHA256": sha256,
        "WORK_POOL": pool,
        "LAKE": lake,
    }
    return {PULL: {"script": pull_command(), "env": env}}


def pull_command() -> str:
    """Return the command that pulls a version and checks it, in one line; it needs the packages of a run."""
    source = Path(pulled.__file__).read_text(encoding="utf-8")
    return f"python3 -I -c {shlex.quote(f'exec({source!r})')}"


def checked_out(root: Path) -> str:
    """Return the git commit in a folder, with ``-dirty`` where tracked files differ from it; ``none`` without git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "none"
    return answer.stdout.strip() if answer.returncode == 0 else "none"
