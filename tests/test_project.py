"""What holds for the repository as a whole: style, types, arrows, requirements, cleanliness."""

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

PACKAGES = tuple(
    name
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"]
    if (ROOT / name / "__init__.py").is_file()
)
LONGEST_FILE, LONGEST_TEST = 420, 450


def run(*command):
    """A tool of this environment, run on the repository."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def tracked(*patterns):
    """Files under version control, or, in a copy without history, those that could be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this copy is not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts():
    """Tracked files that are text, with their contents."""
    for path in tracked():
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def test_ruff_finds_nothing():
    result = run("ruff", "check", ".")
    assert result.returncode == 0, result.stdout


def test_ruff_would_format_nothing():
    result = run("ruff", "format", "--check", ".")
    assert result.returncode == 0, result.stdout


def test_mypy_strict_finds_nothing():
    # The libraries installed for a Python have the types of that Python.
    version = f"--python-version={sys.version_info.major}.{sys.version_info.minor}"
    result = run("mypy", "--strict", version, *(f"--package={name}" for name in PACKAGES))
    assert result.returncode == 0, result.stdout


def test_imports_run_one_way():
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_is_under_the_import_contracts():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert set(PACKAGES) - {"benchmarks"} == set(settings["importlinter"]["root_packages"])


def test_no_file_is_long():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in tracked("*.py", "*.sh")
    }
    limits = {name: LONGEST_TEST if name.startswith("tests/") else LONGEST_FILE for name in lengths}
    assert {name: n for name, n in lengths.items() if n > limits[name]} == {}


def test_run_all_stays_a_page():
    assert len((ROOT / "run_all.sh").read_text().splitlines()) <= 100


def test_continuous_integration_calls_run_all_and_nothing_else():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["./run_all.sh test"]


@pytest.mark.parametrize("name", ["run_all.sh", ".ci/run"])
def test_scripts_can_be_executed(name):
    assert (ROOT / name).stat().st_mode & 0o111 == 0o111


def test_nothing_is_pickled():
    """A pickle runs whatever its writer wished; nothing that crosses a border is one."""
    forbidden = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    importing = {
        str(path.relative_to(ROOT)): sorted(found)
        for path in tracked("*.py")
        if (found := forbidden & _imports(path))
    }
    assert importing == {}


def test_type_checks_are_switched_off_by_name_only():
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*noqa(?!:\s*[A-Z])")
    found = [
        str(path)
        for path in tracked("*.py")
        if path != Path(__file__) and bare.search(path.read_text())
    ]
    assert found == []


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in tracked("tests/*.py")}
    assert {str(folder) for folder in folders if not (folder / "__init__.py").is_file()} == set()


def test_no_file_names_a_package_registry():
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"))]
    hosts += [host for url in _configured_indexes() if (host := urlsplit(url).hostname)]
    found = {(str(path), host) for path, text in texts() for host in hosts if host in text.lower()}
    assert found == set()


def test_no_file_names_a_path_of_this_machine():
    home = str(Path.home())
    places = [str(ROOT), *([home + "/"] if len(Path(home).parts) > 1 else [])]
    found = {(str(path), place) for path, text in texts() for place in places if place in text}
    assert found == set()


def test_no_picture_of_the_research_data_is_in_the_project():
    """Their licences allow research, not copies in a product."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is missing: there is nothing to compare with")
    ours = {_sha256(path): path for path in tracked() if path.suffix in (".jpg", ".jpeg", ".png")}
    theirs = {_sha256(path) for path in SHARED_DATA.rglob("*.jpg")}
    assert theirs
    assert [str(path) for digest, path in ours.items() if digest in theirs] == []


@pytest.mark.parametrize(
    "command",
    ["master", "master serve", "master token", "child", "child serve", "child token"],
)
def test_every_option_of_the_servers_is_explained(command):
    result = run(*command.split(), "--help")
    assert result.returncode == 0, result.stderr
    text = result.stdout.split("options:")[-1]
    entries = re.split(r"\n  (?=-)", text)[1:]
    assert entries
    for entry in entries:
        words = re.sub(r"^(-\S+( [^\s-]\S*)?,? ?)+", "", entry).split()
        assert len(words) >= 3, f"{command}: not explained: {entry}"


def _imports(path):
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return modules


def _configured_indexes():
    result = run("pip", "config", "list")
    return re.findall(r"https?://[^\s'\"]+", result.stdout)


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
