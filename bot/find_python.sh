#!/usr/bin/env bash
# Prints a Python 3.10 that really runs, for Rasa: from the PATH, from pyenv, from uv; else fetches one with uv.
set -u

works() {
  # A pyenv shim can exist and still fail, so each candidate is asked for its version and for venv.
  [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 10))' >/dev/null 2>&1
}

candidates() {
  printf '%s\n' "${BATON_PYTHON310:-}"
  type -ap python3.10 2>/dev/null
  ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python 2>/dev/null | sort -rV
  command -v uv >/dev/null && uv python find 3.10 2>/dev/null
  .venv/bin/uv python find 3.10 2>/dev/null
}

while IFS= read -r candidate; do
  if works "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done < <(candidates)

echo "No Python 3.10 here; fetching one with uv ..." >&2
uv=$(command -v uv || echo .venv/bin/uv)
if [ ! -x "$uv" ]; then
  .venv/bin/python -m pip install -qq uv >&2 || true
fi
if "$uv" python install 3.10 >&2; then
  candidate=$("$uv" python find 3.10)
  if works "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
fi

cat >&2 <<'END'
Rasa needs Python 3.10, and none could be found or fetched.
Install one (pyenv: `pyenv install 3.10`; uv: `uv python install 3.10`; or your system's package python3.10 with
python3.10-venv), then run make again. If it lies somewhere unusual: make BATON_PYTHON310=/path/to/python3.10
END
exit 1
