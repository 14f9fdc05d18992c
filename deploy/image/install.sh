#!/bin/sh
# install.sh SERVICE PREFIX: puts one service, with what it needs and nothing else, into an empty prefix. A service is the
# name of an extra in pyproject.toml. PYTHON is the interpreter that will run it; whatever pip reads from the environment
# (PIP_EXTRA_INDEX_URL and the like) holds.
set -eu
service=$1
prefix=$2
source=$(cd "$(dirname "$0")/../.." && pwd)

case $service in
  gateway | pipeline) extras=$service,postgresql ;;
  decoding | embedding | transcription | captioning | chaptering | search | packs) extras=$service ;;
  *) echo "install.sh: no service $service" >&2 && exit 2 ;;
esac
[ ! -e "$prefix" ] || [ -z "$(ls -A "$prefix")" ] || { echo "install.sh: $prefix is not empty" >&2 && exit 2; }

# Built from a copy: setuptools leaves folders beside what it builds, and packs what an earlier build left there.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$source" && tar -c --exclude=__pycache__ pyproject.toml README.md LICENSE services protos/gen) | tar -x -C "$copy"

"${PYTHON:-python3}" -m venv "$prefix"
"$prefix/bin/python" -m pip install --quiet --no-compile --constraint "$source/constraints.txt" "$copy[$extras]"
# Nothing is installed into an image afterwards, and nobody runs the tests of its libraries.
"$prefix/bin/python" -m pip uninstall --quiet --yes setuptools pip
find "$prefix/lib" -type d '(' -name tests -o -name SelfTest ')' -prune -exec rm -rf {} +
# These two bring along what only a debugger reads, in half of their bytes.
if command -v strip >/dev/null; then
  find "$prefix"/lib/python*/site-packages/sqlalchemy "$prefix"/lib/python*/site-packages/Crypto \
    -name '*.so' -exec strip --strip-debug {} + 2>/dev/null || true
fi

# Bytecode of what the service imports, and of nothing else: it is a third of what a library weighs, and a root that cannot
# be written would have it made anew at every start.
(cd / && env -u PYTHONDONTWRITEBYTECODE -u PYTHONPATH "$prefix/bin/python" -m "services.$service" --help >/dev/null)
[ "$service" != packs ] || cp -R "$source/deploy/models" "$prefix/packs"

# A service is one of many processes on its machine: its libraries' thread pools, each as wide as the machine, would only
# get into each other's way; and without MALLOC_ARENA_MAX glibc keeps a pool of freed memory for every thread. It asks for
# huge pages, where the kernel gives them to who asks (services/runtime/pages.py).
cat > "$prefix/bin/vidx-service" <<END
#!/bin/sh
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-2}"
export GLIBC_TUNABLES="\${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"
for pool in OMP OPENBLAS MKL NUMEXPR; do
  eval "export \${pool}_NUM_THREADS=\\"\\\${\${pool}_NUM_THREADS:-1}\\""
done
exec "\$(dirname "\$0")/python" -m services.$service "\$@"
END
chmod 755 "$prefix/bin/vidx-service"
