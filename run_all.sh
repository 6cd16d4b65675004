#!/bin/sh
# Makes .venv on first use, then hands over to `python -m engines.processes`.
#
#   ./run_all.sh              starts everything on this computer and prints one address
#   ./run_all.sh link         prints a new link that signs a browser in at what runs already
#   ./run_all.sh train ...    a federated training without a browser
#   ./run_all.sh compare ...  together, alone and federated, side by side, without servers
#   ./run_all.sh test ...     everything the tests need, then all tests
#   ./run_all.sh --help       lists the options
#
# COMMONSIGHT_GPU=1 trains on NVIDIA cards, from an environment of its own, .venv-gpu.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
venv=$root/.venv requirements=requirements.txt
# The tests are for the processor, whatever card there is.
if [ "${COMMONSIGHT_GPU:-}" = 1 ] && [ "${1:-}" != test ]; then
    venv=$root/.venv-gpu requirements=requirements-gpu.txt
fi
python=$venv/bin/python
is_supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${COMMONSIGHT_PYTHON:+"$COMMONSIGHT_PYTHON"} \
        python3.12 python3.13 python3.11 python3 python; do
        # A name on the path may be a shim for a version that is not there: try it.
        if "$candidate" -c "$is_supported" 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Commonsight needs Python 3.11, 3.12 or 3.13, and none was found on this computer."
    say "Install one, or name it: COMMONSIGHT_PYTHON=/path/to/python ./run_all.sh"
    return 1
}

make_venv() {
    if "$python" -c "$is_supported" 2>/dev/null; then return; fi
    base=$(find_python)
    say "Making the environment $venv."
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$base" "$venv"
    else
        "$base" -m venv --clear "$venv"
    fi
}

# The copy of the file, written last, says what is installed: a changed file or an
# interrupted installation shows as a difference, and is done again.
install() {
    list=$1 installed=$venv/installed-$1
    shift
    if cmp -s "$root/$list" "$installed"; then return; fi
    say "Installing what $list lists. The first time this takes a few minutes."
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$python" "$@" -r "$root/$list"
    else
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null
        "$python" -m pip install --quiet --disable-pip-version-check "$@" -r "$root/$list"
    fi
    cp "$root/$list" "$installed"
}

find_chromium() {
    if command -v chromium || command -v chromium-browser || command -v google-chrome; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get; then
        say "Installing Chromium from the system's packages for the browser tests."
        apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium && return
    fi
    say "There is no Chromium and it cannot be installed from here: the browser tests will skip."
}

make_venv
install "$requirements"

# Only this folder's modules count, wherever the caller stands.
PYTHONPATH=$root PYTHONSAFEPATH=1
export PYTHONPATH PYTHONSAFEPATH

if [ "${1:-}" = test ]; then
    shift
    install requirements-test.txt
    # Only Flower's aggregation rules are wanted: what it asks for besides is older than ours.
    install requirements-flower.txt --no-deps
    find_chromium >&2
    cd "$root"
    # Hundreds of processes start; without their caches each would compile every module again.
    unset PYTHONDONTWRITEBYTECODE
    # Three processes, file by file: on two cores two work while one waits for its servers. In
    # order of name, for files of few tests are those that start whole federations.
    exec "$python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder "$@"
fi
exec "$python" -m engines.processes "$@"
