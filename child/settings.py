"""Settings of a child, and the options of its command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from federated.errors import InvalidInput
from federated.values import BatchUrl, Slug
from serving.options import Option, values_of
from serving.server import check_url

LOG_LEVELS = ("debug", "info", "warning", "error")


STATE = Option("--state", "folder that holds everything this child owns", required=True)
DATABASE = Option(
    "--database", "SQLAlchemy URL of another database; default: SQLite in the state folder"
)

SERVE = (
    STATE,
    Option("--name", "the site's name at the master: a-z, 0-9, - and _", required=True),
    Option("--master", "address of the master, such as https://master.example", required=True),
    Option(
        "--join-token",
        "single-use token from the operator, needed until enrolled; better given in the "
        "environment, which other users of the computer cannot read",
    ),
    Option(
        "--url",
        "address where the master reaches this child; 'auto' for this machine's own; "
        "default: none, and this child asks the master for work itself",
    ),
    Option("--host", "address to listen on", "127.0.0.1"),
    Option("--port", "port to listen on; 0 takes a free one", 8502, int),
    Option("--min-examples", "pictures to train on without which this site never trains", 10, int),
    Option("--demo", "demonstration: a single picture is enough to train", False, bool),
    Option(
        "--import-folder",
        "folder of this computer from which the site may import pictures; default: none",
    ),
    Option("--batch-cache-mb", "megabytes of public pictures to keep at hand", 2048, int),
    Option(
        "--batch-servers",
        "where public pictures may be fetched from: addresses or folders, with all that lies "
        "below them, separated by commas; an s3 bucket named here is read with this site's own "
        "keys, if it has some; default: any http, ftp or s3 address that a plan names, without "
        "a login or keys, and folders only if the master is on this machine",
    ),
    Option("--threads", "threads of the trainer; default: one for each core", 0, int),
    Option("--fast-math", "let the trainer be faster, but not repeatable to the byte", False, bool),
    Option("--behind-proxy", "a proxy in front of this child ends TLS", False, bool),
    Option("--allow-plain-http", "the way to the master is protected by other means", False, bool),
    DATABASE,
    Option("--log-level", "debug, info, warning or error", "info"),
)

TOKEN = (STATE, DATABASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one child is set up; see `SERVE` for what each means."""

    state: Path
    name: str
    master: str
    join_token: str | None = None
    url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8502
    min_examples: int = 10
    demo: bool = False
    import_folder: Path | None = None
    batch_cache_mb: int = 2048
    batch_servers: tuple[str, ...] = ()
    threads: int = 1
    fast_math: bool = False
    behind_proxy: bool = False
    allow_plain_http: bool = False
    database: str | None = None
    log_level: str = "info"

    @property
    def least_examples(self) -> int:
        """Pictures to train on without which this site never trains."""
        return 1 if self.demo else self.min_examples


def settings_from(options: argparse.Namespace) -> Settings:
    """Settings from parsed options.

    Raises:
        InvalidInput: A value cannot be used.
    """
    values = values_of(SERVE, options)
    values["state"] = Path(values["state"]).expanduser().absolute()
    values["import_folder"] = _import_folder(values["import_folder"], values["state"])
    values["threads"] = values["threads"] or os.cpu_count() or 1
    values["master"] = check_url(values["master"], allow_plain=values["allow_plain_http"])
    if values["url"] not in (None, "auto"):
        values["url"] = check_url(values["url"], allow_plain=True)
    _check_name(values["name"])
    _check_log_level(values["log_level"])
    values["batch_servers"] = _addresses(values["batch_servers"] or "")
    _check_least(values, "min_examples", 1)
    _check_least(values, "batch_cache_mb", 1)
    return Settings(**values)


def _import_folder(given: str | None, state: Path) -> Path | None:
    """The folder, which is there and has nothing of the child's own in it or around it."""
    if not given:
        return None
    folder = Path(given).expanduser().resolve()
    apart = not folder.is_relative_to(state.resolve()) and not state.resolve().is_relative_to(
        folder
    )
    if not folder.is_dir() or not apart:
        raise InvalidInput(
            "--import-folder cannot be used",
            expected="a folder that exists, neither around nor in the state folder",
            received=given,
        )
    return folder


def _addresses(text: str) -> tuple[str, ...]:
    try:
        named = (address.strip() for address in text.split(","))
        return tuple(TypeAdapter(BatchUrl).validate_python(one) for one in named if one)
    except ValidationError as error:
        raise InvalidInput(
            "--batch-servers names no place of batches", received=error.errors()[0]["msg"]
        ) from None


def _check_least(values: Mapping[str, Any], name: str, least: int) -> None:
    if values[name] < least:
        raise InvalidInput(
            f"--{name.replace('_', '-')} is too small",
            expected=f"{least} or more",
            received=values[name],
        )


def _check_log_level(level: str) -> None:
    if level.casefold() not in LOG_LEVELS:
        raise InvalidInput(
            "This is no log level", expected=f"one of {list(LOG_LEVELS)}", received=repr(level)[:80]
        )


def _check_name(name: str) -> None:
    try:
        TypeAdapter(Slug).validate_python(name)
    except ValidationError:
        raise InvalidInput(
            "This cannot be a site's name",
            expected="1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit",
            received=repr(name)[:80],
        ) from None
