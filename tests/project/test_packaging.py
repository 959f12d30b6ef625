"""The package as users get it: the wheel is complete and works alone; names, versions and texts are clean.

The wheel is built once from the working tree and taken apart. Nothing here needs the network.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import passaat
from passaat.provenance import commit_of_checkout

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("model", "scenarios", "calibration", "experiments")
PYTHONS = ("3.11", "3.12", "3.13")
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py")
COMMIT = "passaat/commit.txt"
"""What the build adds to the package."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this process's Python settings; its output, or a failure that shows it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_wheel(source: Path, target: Path) -> Path:
    """Build a wheel with the environment's own hatchling."""
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        target,
        source,
        cwd=target.parent,
    )
    (built,) = target.glob("*.whl")
    return built


def project_files() -> list[Path]:
    """Every file of the project that is or could be committed; all files where git cannot say."""
    try:
        listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split(
            "\0"
        )
    except (AssertionError, FileNotFoundError):
        listed = [
            str(path.relative_to(ROOT))
            for path in ROOT.rglob("*")
            if not any(part.startswith(".venv") or part == "__pycache__" for part in path.parts)
        ]
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    assert len(files) > 10
    return files


def python_files() -> list[Path]:
    """Every Python file of the project, once each."""
    return [path for path in project_files() if path.suffix == ".py"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel") / "dist")


@pytest.fixture(scope="session")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs, and nothing else."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


# --- the wheel ----------------------------------------------------------------------------------------------


def test_the_wheel_holds_every_source_and_data_file_exactly_once(wheel: Path) -> None:
    expected = {"passaat/__init__.py", "passaat/py.typed", COMMIT}
    own = ROOT / "src" / "passaat"
    expected |= {f"passaat/{path.name}" for path in own.glob("*.py")}
    for folder in ("cli", "testing"):
        expected |= {f"passaat/{folder}/{path.name}" for path in (own / folder).glob("*.py")}
    for path in project_files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in FOLDERS:
            expected.add(f"passaat/{relative.as_posix()}")
    with zipfile.ZipFile(wheel) as archive:
        names = Counter(name for name in archive.namelist() if ".dist-info/" not in name)
    assert [name for name, times in names.items() if times > 1] == []
    assert set(names) == expected
    for folder in FOLDERS:
        assert f"passaat/{folder}/__init__.py" in names, f"{folder} is not a package"
    assert {Path(name).suffix for name in names} >= {".py", ".toml", ".csv"}


def test_the_wheel_installs_one_name_and_one_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert archive.read(entry_points).decode().split() == [
            "[console_scripts]",
            "passaat",
            "=",
            "passaat.cli:main",
        ]
        tree = ast.parse(archive.read("passaat/cli/__init__.py"))
    assert {name.split("/")[0] for name in names} == {"passaat", f"passaat-{passaat.__version__}.dist-info"}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert "main" in defined


def test_a_checkout_without_symbolic_links_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Windows without developer mode: git writes each link as a small text file that holds its target."""
    source = tmp_path / "checkout"
    for path in project_files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in (*FOLDERS, "src") or str(relative) in BUILT_FROM:
            (source / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / relative)
    shutil.copyfile(ROOT / ".gitignore", source / ".gitignore")
    for folder in FOLDERS:
        (source / "src" / "passaat" / folder).write_text(f"../../{folder}", encoding="utf-8")
    other = build_wheel(source, tmp_path / "dist")

    def record(path: Path) -> list[str]:
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/RECORD"))
            lines = archive.read(name).decode().splitlines()
            return sorted(line for line in lines if not line.startswith(COMMIT))

    assert record(other) == record(wheel)


def commit_in(wheel: Path) -> str:
    """The commit that a wheel says it was built from."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(COMMIT).decode()


def test_the_wheel_says_which_commit_it_was_built_from(wheel: Path) -> None:
    assert commit_in(wheel) == f"{commit_of_checkout(ROOT)}\n"


def test_a_source_archive_and_what_is_built_from_it_say_the_commit(tmp_path: Path) -> None:
    """A source archive has no git; it passes on what was written when it was made."""
    source = tmp_path / "checkout"
    for path in project_files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in (*FOLDERS, "src") or str(relative) in BUILT_FROM:
            (source / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / relative)
    assert commit_in(build_wheel(source, tmp_path / "bare")) == (
        "unknown: neither a checkout nor a build that wrote it down\n"
    )
    commit = committed(source)
    run(
        sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, source, cwd=tmp_path
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
    assert not (unpacked / ".git").exists()
    assert commit_in(build_wheel(unpacked, tmp_path / "dist")) == f"{commit}\n"
    assert run("git", "status", "--porcelain", cwd=source) == "", "the build wrote into the checkout"


def committed(folder: Path) -> str:
    """Make a folder a checkout of one commit; the commit as it is written down."""
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "--all"), (*author, "commit", "--quiet", "-m", "all of it")):
        run("git", *command, cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder)[:12]


IMPORT_EVERYTHING = """
import importlib, pathlib, pkgutil, sys
home = pathlib.Path(sys.argv[1])
sys.path = [str(home)] + [entry for entry in sys.path if pathlib.Path(entry).name != "src"]
import passaat
names = [found.name for found in pkgutil.walk_packages(passaat.__path__, "passaat.")]
names = [name for name in names if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
ours = [name for name in sys.modules if name.split(".")[0] == "passaat"]
strays = [name for name in ours if not pathlib.Path(sys.modules[name].__file__).is_relative_to(home)]
assert not strays, f"not from the wheel: {strays}"
bare = [name for name in ("model", "scenarios", "calibration", "experiments") if name in sys.modules]
assert not bare, f"imported under a bare name: {bare}"
print(*names)
"""


def test_every_module_imports_from_the_unpacked_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    names = run(sys.executable, "-I", "-c", IMPORT_EVERYTHING, unpacked, cwd=tmp_path).split()
    assert {f"passaat.{folder}" for folder in FOLDERS} <= set(names)


SPAWN = """
import multiprocessing, pathlib, sys

def where() -> str:
    import passaat.model
    return passaat.model.__file__

if __name__ == "__main__":
    sys.path = [sys.argv[1]] + [entry for entry in sys.path if pathlib.Path(entry).name != "src"]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(where))
"""


def test_a_spawned_worker_imports_the_model_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    script = tmp_path / "spawn.py"
    script.write_text(SPAWN, encoding="utf-8")
    answer = run(sys.executable, script, unpacked, cwd=tmp_path)
    assert Path(answer.strip()) == unpacked / "passaat" / "model" / "__init__.py"


DRAW = """
import pathlib, sys
sys.path = [sys.argv[1]] + [entry for entry in sys.path if pathlib.Path(entry).name != "src"]
from passaat.model.kernel.draws import uniform
value = uniform(1, 2, 3)
print(value.hex(), sum(uniform.stats.cache_hits.values()), sum(uniform.stats.cache_misses.values()))
"""


def test_code_compiled_from_the_wheel_is_found_again_by_the_next_process(
    unpacked: Path, tmp_path: Path
) -> None:
    first_value, *_ = run(sys.executable, "-I", "-c", DRAW, unpacked, cwd=tmp_path).split()
    value, hits, misses = run(sys.executable, "-I", "-c", DRAW, unpacked, cwd=tmp_path).split()
    assert (value, hits, misses) == (first_value, "1", "0")


@pytest.mark.slow
def test_the_type_checker_sees_our_types_from_outside(tmp_path: Path) -> None:
    """A user's code is checked against passaat: were our types invisible, the mistake would pass."""
    user = tmp_path / "user.py"
    user.write_text(
        "import passaat\nimport passaat.scenarios\nversion: int = passaat.__version__\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"user\.py:(\d+): error: .*\[([a-z-]+)\]", done.stdout) == [("3", "assignment")], (
        done.stdout
    )


# --- names --------------------------------------------------------------------------------------------------


def imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that a file imports; relative imports begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def test_our_folders_are_imported_through_passaat_only() -> None:
    wrong = []
    for path in python_files():
        for line, name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
            if name.split(".")[0] in ("", *FOLDERS):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: import {name}")
    assert wrong == []


def test_no_file_is_loaded_under_two_names() -> None:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    times = Counter(os.path.realpath(file) for file in files if isinstance(file, str))
    # A virtual environment inside the checkout is other people's code.
    ours = {
        file: n
        for file, n in times.items()
        if file.startswith(f"{ROOT}{os.sep}") and "site-packages" not in file
    }
    assert ours
    assert [file for file, n in ours.items() if n > 1] == []


def test_the_development_links_are_relative() -> None:
    for folder in FOLDERS:
        link = ROOT / "src" / "passaat" / folder
        target = os.readlink(link) if link.is_symlink() else link.read_text(encoding="utf-8")
        assert target == f"../../{folder}"


# --- dependencies and versions ------------------------------------------------------------------------------


def declared() -> dict[str, Requirement]:
    """Every package of pyproject.toml, those of the extras and for developers too; one with bounds of its own on later
    Pythons comes twice, as ``numpy`` and ``numpy from Python 3.13``.
    """
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    needs = [Requirement(line) for line in (*PROJECT["dependencies"], *extras)]
    found: dict[str, Requirement] = {}
    for need in needs:
        later = re.fullmatch(r'python_version >= "([\d.]+)"', str(need.marker))
        name = canonicalize_name(need.name) + (f" from Python {later[1]}" if later else "")
        assert name not in found, f"two bounds for {name}"
        found[name] = need
    del found["passaat"]
    return found


def test_developers_have_every_extra_and_nobody_else_needs_one() -> None:
    """What is optional is imported inside the function that needs it, and tested because `dev` brings it."""
    extras = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name != "dev"}
    assert f"passaat[{','.join(sorted(extras))}]" in PROJECT["optional-dependencies"]["dev"]
    optional = {Requirement(line).name for lines in extras.values() for line in lines}
    at_the_top = {
        (path.name, name)
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in (*FOLDERS, "src")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for _, name in imported_names(ast.Module([node], []))
        if name.split(".")[0] in optional
    }
    assert at_the_top == set()


def test_every_dependency_is_bounded_and_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| ([\w-]+)( from Python [\d.]+)? \| ([<>=.,\d]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE
    )
    explained = {canonicalize_name(name) + later: bounds for name, later, bounds, _, _ in rows}
    assert len(rows) == len(explained)
    assert {name: set(bounds.split(",")) for name, bounds in explained.items()} == {
        name: set(str(need.specifier).split(",")) for name, need in declared().items()
    }
    for name, need in declared().items():
        assert {clause.operator for clause in need.specifier} == {">=", "<"}, f"{name} needs both bounds"
    assert all(licence.strip() and len(reason.strip()) > 10 for *_, licence, reason in rows)


def test_every_runtime_dependency_is_used() -> None:
    used = {
        name.split(".")[0].lower()
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in (*FOLDERS, "src")
        for _, name in imported_names(ast.parse(path.read_text(encoding="utf-8")))
    }
    needed = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    # networkx: for Mesa 3.5.1, which imports it without declaring it; scikit-learn is imported as sklearn.
    assert sorted(needed - used) == ["networkx", "scikit-learn"]
    assert "sklearn" in used


LOCKED = re.compile(
    r"[a-z0-9]+(?:-[a-z0-9]+)*==[0-9][0-9a-z.]*"
    r'(?: ; python_version (?:<|>=|==) "3\.\d+"(?: or python_version == "3\.\d+")*)?'
)


def test_the_lock_file_holds_versions_and_markers_only() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not LOCKED.fullmatch(line)] == []
    for python in PYTHONS:
        needs = [Requirement(line) for line in pins]
        here = [
            need for need in needs if need.marker is None or need.marker.evaluate({"python_version": python})
        ]
        versions = {need.name: str(need.specifier).removeprefix("==") for need in here}
        assert len(versions) == len(here), f"two versions of one package on Python {python}"
        for need in declared().values():
            if need.marker is None or need.marker.evaluate({"python_version": python}):
                version = versions[canonicalize_name(need.name)]
                assert need.specifier.contains(version), f"{need} on {python}: not {version}"


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (\S+)$", citation, flags=re.MULTILINE) == [passaat.__version__]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^]]+)\]", changelog, flags=re.MULTILINE)
    assert headings[0] in ("Unreleased", passaat.__version__)


# --- texts --------------------------------------------------------------------------------------------------

# Put together from parts, so that this file does not contain what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("docker", "io"))
]
INDEX_OPTIONS = ["-".join(parts) for parts in (("--index", "url"), ("--extra", "index"), ("--find", "links"))]
MACHINE_PATH = re.compile(r"(?<![\w.$}*/~-])/(?:work|root|home|Users|tmp|opt|mnt)/\w|[A-Z]:\\Users")


def test_no_text_names_a_registry_or_a_path_of_one_machine() -> None:
    hits = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), start=1):
            if any(word in line for word in (*REGISTRIES, *INDEX_OPTIONS)) or MACHINE_PATH.search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert hits == []


@pytest.mark.parametrize(
    "line", ["see /" + "root/x", "'/" + "work/main'", "cd /" + "tmp/a", "C:" + "\\Users\\me"]
)
def test_the_search_for_machine_paths_finds_them(line: str) -> None:
    assert MACHINE_PATH.search(line)


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    broken = []
    for path in project_files():
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
                if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                    broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []
