#!/usr/bin/env bash
# Compiles the software CUDA device of the tests, with the kernels of native/cuda in it.
#
#   native/cudasim/build.sh OUTDIR        CXX=clang++ for another C++17 compiler than c++
#
#   OUTDIR/libcudasim.so            what the tests load as driver and as cuBLAS
#   OUTDIR/libcudasim-asan.so       with address and undefined-behavior sanitizers; needs libasan.so preloaded
#   OUTDIR/libcudasim-nograph.so    lacks cuGraphLaunch, as an old driver lacks symbols
#   OUTDIR/libasan.so               the compiler's, to preload
#   OUTDIR/cudasim-selftest         tests of the device itself
#
# Does nothing where all are newer than all sources. Of two at a time the second waits.
set -euo pipefail
out=${1:?usage: native/cudasim/build.sh OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
cxx=${CXX:-c++}

if ! command -v "$cxx" > /dev/null; then
  echo "native/cudasim/build.sh: there is no C++ compiler '$cxx', which the tests of the backend 'cuda' need to build the software device; install g++ or clang, or name one by CXX=" >&2
  exit 1
fi

objects=$out/cudasim-objects
exec 9> "$out/cudasim-lock"
flock 9
results=("$out/libcudasim.so" "$out/libcudasim-asan.so" "$out/libcudasim-nograph.so" "$out/cudasim-selftest")
is_current() {
  local result
  for result in "${results[@]}"; do
    [ -f "$result" ] && [ -z "$(find . ../cuda -type f -newer "$result" -print -quit)" ] || return 1
  done
  [ -e "$out/libasan.so" ]
}
is_current && exit 0

# Reports need lines, not variables: -g1. Kernels say "#pragma unroll" to nvcc. Products and sums stay apart, as written: a device fuses only fma.
common=(-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra -Wno-unknown-pragmas)
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all)
runtime=libasan.so
# clang's own runtime has another name, and is linked statically into programs unless told otherwise.
if "$cxx" --version | grep -q clang; then
  sanitizers+=(-shared-libsan)
  runtime=libclang_rt.asan-$(uname -m).so
fi

mkdir -p "$objects/plain" "$objects/asan"
# The results are as old as this: a source that is changed while it is compiled is newer.
touch "$objects/start"
compile() {
  local kind=$1 source=$2
  local flags=("${common[@]}")
  if [ "$kind" = asan ]; then
    flags+=(-DCUDASIM_ASAN -fno-omit-frame-pointer)
    case $source in
      # These change threads: they touch no memory of a kernel, and tell AddressSanitizer of each change.
      block.cpp | fiber.cpp) ;;
      # Here the tests spend their time. For the rest it takes longer to optimize than it gains.
      kernels.cpp | blas.cpp) flags+=("${sanitizers[@]}") ;;
      *) flags+=("${sanitizers[@]}" -O1) ;;
    esac
  fi
  "$cxx" "${flags[@]}" -c "$source" -o "$objects/$kind/${source%.cpp}.o"
}
# Two at a time; the largest first.
library=(kernels.cpp blas.cpp block.cpp context.cpp copy.cpp faults.cpp fiber.cpp graph.cpp host_memory.cpp memory.cpp module.cpp stream.cpp)
selftest=(selftest.cpp selftest_kernels.cpp selftest_memory.cpp selftest_queues.cpp)
jobs=()
for source in "${library[@]}"; do
  jobs+=("asan $source" "plain $source")
done
for source in "${selftest[@]}"; do
  jobs+=("plain $source")
done
running=0
for job in "${jobs[@]}"; do
  if [ "$running" -ge 2 ]; then
    wait -n
  else
    running=$((running + 1))
  fi
  compile $job &
done
for ((; running > 0; running--)); do
  wait -n
done

objects_of() {
  local kind=$1 source
  shift
  for source in "$@"; do
    echo "$objects/$kind/${source%.cpp}.o"
  done
}
link=("$cxx" -g -pthread -Wl,-z,noexecstack -Wl,-T,shared.ld)
"${link[@]}" -shared -Wl,--version-script=exports.map $(objects_of plain "${library[@]}") -o "$out/libcudasim.so"
"${link[@]}" -shared -Wl,--version-script=nograph.map $(objects_of plain "${library[@]}") -o "$out/libcudasim-nograph.so"
"${link[@]}" "${sanitizers[@]}" -shared -Wl,--version-script=exports.map $(objects_of asan "${library[@]}") -o "$out/libcudasim-asan.so"
"${link[@]}" $(objects_of plain "${selftest[@]}") $(objects_of plain "${library[@]:1}") -o "$out/cudasim-selftest"
ln -sf "$("$cxx" -print-file-name=$runtime)" "$out/libasan.so"
touch -r "$objects/start" "${results[@]}"
