#!/bin/sh
# Bring .venv to exactly what requirements/dev.txt pins, every file checked against its hash.
# In: PYTHON (optional). Out: .venv; a call that finds it complete costs nothing, a broken or interrupted one is redone.
set -eu
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1
cd "$(dirname "$0")/.."

venv=.venv
pins=requirements/dev.txt
stamp=$venv/complete # written last: what .venv was made from

say() { printf '%s\n' "$*" >&2; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }
is_supported() { case "$(version_of "$1")" in 3.11 | 3.12 | 3.13) true ;; *) false ;; esac }

find_python() {
    # Who names a Python wants that one; else python3, or whatever suitable one stands beside it.
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if is_supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found="is $(version_of "${PYTHON:-python3}")"
    [ "$found" != "is " ] || found="cannot be run"
    say "Postroom needs Python 3.11, 3.12 or 3.13; ${PYTHON:-python3} $found."
    say "Name one: make PYTHON=/path/to/python3.12 ..."
    exit 1
}

make_venv() {
    python=$(find_python)
    say "Making $venv with $python ($(version_of "$python"))"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "This Python comes without venv. On Debian and Ubuntu: apt install python$(version_of "$python")-venv"
        exit 1
    fi
    "$python" -m venv --clear "$venv"
}

install_pins() {
    say "Installing the pinned packages (once; some 20 seconds)"
    # uv, itself pinned in the same file, installs six times faster than pip; where it has no wheel, pip does.
    awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$pins" >"$venv/uv.txt"
    if "$venv/bin/python" -m pip install -qq --only-binary :all: --require-hashes -r "$venv/uv.txt" 2>/dev/null &&
        "$venv/bin/uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "$pins"; then
        return
    fi
    say "uv cannot do it here; installing with pip (a minute or more)"
    "$venv/bin/python" -m pip install -q --require-hashes -r "$pins"
}

have=$(version_of "$venv/bin/python")
want=$have
[ -z "${PYTHON:-}" ] || want=$(version_of "$PYTHON")
key="python $want, $(cksum "$pins")"
if [ -n "$have" ] && [ "$have" = "$want" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
# Without a stamp an earlier call was interrupted: no telling what is half there, so start afresh.
if [ -z "$have" ] || [ "$have" != "$want" ] || [ ! -e "$stamp" ]; then
    make_venv
fi
rm -f "$stamp"
install_pins
printf '%s\n' "python $(version_of "$venv/bin/python"), $(cksum "$pins")" >"$stamp"
