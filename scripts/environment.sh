#!/usr/bin/env bash
# Makes or completes the virtual environment in .venv: the locked packages of requirements/<what>.txt, every one checked by its hash,
# then this project itself, as an editable install.  Usage: environment.sh PYTHON runtime|dev
set -euo pipefail
python=$1 what=$2
lists=(requirements/build.txt "requirements/$what.txt")
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Making a virtual environment in .venv with $("$python" --version)"
  "$python" -m venv --clear .venv || { echo "The virtual environment could not be made in $PWD/.venv: see the message above." >&2; exit 1; }
fi

count=$(cat "${lists[@]}" | grep -c '^[A-Za-z0-9._-]*==')
echo "Installing $count packages (once; from pip's cache where it has them)"
fetch=()
for list in "${lists[@]}"; do fetch+=(-r "$list"); done

# pip says one line a package: a counter on a terminal, every tenth line elsewhere.
progress() {
  local line n=0
  while IFS= read -r line; do
    case $line in
      Collecting*) n=$((n + 1)); line=${line#Collecting } ;;
      Installing\ collected*) line="unpacking and compiling" ;;
      *) continue ;;
    esac
    if [ -t 1 ]; then printf '\r  %3d of %d  %-50.50s' "$n" "$count" "${line%% (*}"
    elif [ $((n % 10)) = 0 ] || [ "$line" = "unpacking and compiling" ]; then echo "  $n of $count  ${line%% (*}"; fi
  done
  if [ -t 1 ]; then printf '\r%-72s\r' ""; fi
}

with_pip() { .venv/bin/python -m pip install --progress-bar off --require-hashes --no-deps "${fetch[@]}" | progress; }
with_uv() { uv pip install --quiet --python .venv/bin/python --compile-bytecode --require-hashes --no-deps "${fetch[@]}"; }

if { command -v uv >/dev/null && with_uv; } || with_pip; then :; else
  echo "The packages could not be installed: see the message above; a second 'make' goes on where this one stopped." >&2
  exit 1
fi
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
touch ".venv/.$what"
if [ "$what" = dev ]; then touch .venv/.runtime; fi   # dev.txt holds runtime.txt, at the same versions
