#!/usr/bin/env bash
# Tests and measures the backend "cuda" on this machine. Needs an NVIDIA driver and cuBLAS, and nothing else:
# java, the engine and its tests are beside this script.
set -euo pipefail

usage() {
  cat >&2 <<'USAGE'
usage: run-gpu.sh backends                 what is found here, and what is missing
       run-gpu.sh test [CONSOLE OPTIONS]   tests of the backend cuda; status 0 if all passed
       run-gpu.sh bench [--quick] [--only TEXT] [--out FILE]
                                           the GPU ratios, into FILE (gpu-ratios.md)
       run-gpu.sh bench --rehearse         whether every ratio runs; no figures
What follows "--" are flags for java.

environment:
  PANAGRAD_CUDA_LIBRARY    the driver, where it is not found: path of libcuda.so.1
  PANAGRAD_CUBLAS_LIBRARY  cuBLAS, where it is not found: path of libcublas.so.13, .12 or .11
  PYTHON                   a Python that can import torch, for the ratios; python3 if nothing is said
  TMPDIR                   where "bench" may write a file of 4 GB (--quick: 1 GB); /tmp if nothing is said
USAGE
  exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command=${1:-}
[ $# -gt 0 ] && shift
arguments=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  arguments+=("$1")
  shift
done
[ $# -gt 0 ] && shift
java=("$here/jdk/bin/java" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED
  "-Djava.io.tmpdir=${TMPDIR:-/tmp}" "$@")
engine="$here/jars/*:$here/panagrad.jar:$here/lib/*"

# cuBLAS is often in Python's packages only, and which Python that is only Python knows.
find_cublas() {
  "${PYTHON:-python3}" - 2>/dev/null <<'PYTHON' || true
import glob, os, site, sys
folders = list(sys.path) + site.getsitepackages() + [site.getusersitepackages()]
for name in ("13", "12", "11"):
    for folder in folders:
        for found in sorted(glob.glob(os.path.join(folder, "nvidia", "*", "lib", "libcublas.so." + name))):
            print(found)
            sys.exit()
PYTHON
}

if [ -z "${PANAGRAD_CUBLAS_LIBRARY:-}" ]; then
  PANAGRAD_CUBLAS_LIBRARY=$(find_cublas)
  if [ -n "$PANAGRAD_CUBLAS_LIBRARY" ]; then
    export PANAGRAD_CUBLAS_LIBRARY
    # Its other half, libcublasLt, is in the same folder.
    export LD_LIBRARY_PATH="$(dirname "$PANAGRAD_CUBLAS_LIBRARY")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  else
    unset PANAGRAD_CUBLAS_LIBRARY
  fi
fi

backends() {
  "${java[@]}" -cp "$engine" dev.panagrad.cli.Main backends
}

# Prints what is here; ends with status 3 where cuda is not.
require_cuda() {
  local table
  if command -v nvidia-smi > /dev/null; then nvidia-smi -L || true; else echo "nvidia-smi is not on the path"; fi
  table=$(backends)
  echo "$table"
  if ! grep -Eq '^cuda +\*? *available ' <<< "$table"; then
    echo "run-gpu.sh: the backend cuda cannot run here; its line above says why and what to do" >&2
    exit 3
  fi
}

case $command in
  backends)
    [ ${#arguments[@]} -eq 0 ] || usage
    backends
    ;;
  test)
    require_cuda
    [[ " ${arguments[*]-} " == *" --details"* ]] || arguments+=(--details=summary)
    cd "$here"
    "${java[@]}" -Xmx2g -Dpanagrad.test.only=cuda \
      -Djava.util.logging.config.file="$here/test-classes/logging.properties" \
      -cp "$here/test-classes:$engine:$here/test-lib/*" \
      org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --fail-if-no-tests \
      --select-package=dev.panagrad --include-tag=conformance --include-tag=cuda "${arguments[@]}"
    ;;
  bench)
    "${java[@]}" -cp "$here/benchmark-classes:$engine" dev.panagrad.benchmark.gpu.GpuRatios \
      ${arguments[@]+"${arguments[@]}"}
    ;;
  *)
    usage
    ;;
esac
