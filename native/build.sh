#!/usr/bin/env bash
# Compiles the CUDA kernels of native/cuda and writes native/cuda/kernels.lock. Needs nvcc, ptxas and
# fatbinary of a CUDA toolkit on the PATH; no GPU.
#
#   native/build.sh           builds, replaces the committed form and the lock
#   native/build.sh --check   builds into a temporary folder and compares with the committed form
#
# One source becomes one file: PTX for compute_75, which a driver compiles for devices that came later,
# and machine code that ptxas makes from that PTX for each architecture named here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/cuda"

architectures="75 80 86 89 90 100 120"
committed=../../src/main/resources/META-INF/panagrad/cuda
lock=kernels.lock

for tool in nvcc ptxas fatbinary; do
  if ! command -v "$tool" > /dev/null; then
    echo "native/build.sh: $tool is not on the PATH; install a CUDA toolkit (13.0 or later) and add its bin folder" >&2
    exit 1
  fi
done
compiler=$(nvcc --version | sed -n 's/^Cuda compilation tools, //p')

build_one() {
  local name=$1 out=$2 folder architecture images
  folder=$(mktemp -d)
  # No contraction: a product and a sum are one rounding only where the source says fma, as on the CPU.
  nvcc --ptx -O3 -std=c++17 -fmad=false -Werror all-warnings -arch=compute_75 \
    -o "$folder/$name.ptx" "$name.cu"
  images=()
  for architecture in $architectures; do
    ptxas -O3 --warning-as-error -arch="sm_$architecture" \
      -o "$folder/$name.sm_$architecture.cubin" "$folder/$name.ptx"
    images+=("--image3=kind=elf,sm=$architecture,file=$name.sm_$architecture.cubin")
  done
  # Relative names: the file must not depend on where it was built. The identifier is not compressed:
  # the software device takes a file for that of a source by it.
  (cd "$folder" && fatbinary -64 --compress-mode=size --ident="$name.cu" --create="$name.fatbin" \
    "${images[@]}" "--image3=kind=ptx,sm=75,file=$name.ptx")
  mv "$folder/$name.fatbin" "$out/$name.fatbin"
  rm -r "$folder"
}
export -f build_one
export architectures

build_all() {
  ls -- *.cu | sed 's/\.cu$//' | xargs -P "$(nproc)" -I NAME bash -euo pipefail -c 'build_one NAME "$1"' build "$1"
}

write_lock() {
  echo "# $compiler"
  echo "# compute_75 as PTX; machine code for sm_$(echo "$architectures" | sed 's/ / sm_/g')"
  sha256sum -- *.cu *.cuh ../build.sh
  (cd "$1" && sha256sum -- *.fatbin)
}

case "${1:-}" in
  "")
    mkdir -p "$committed"
    rm -f "$committed"/*.fatbin
    build_all "$committed"
    write_lock "$committed" > "$lock"
    echo "$(ls "$committed" | wc -l) files, $(du -sk "$committed" | cut -f 1) KiB"
    ;;
  --check)
    fresh=$(mktemp -d)
    trap 'rm -r "$fresh"' EXIT
    build_all "$fresh"
    if [ "$(head -n 1 "$lock")" != "# $compiler" ]; then
      echo "native/build.sh: all kernels compile; $lock is by another compiler, '$(head -n 1 "$lock" | cut -c 3-)', and this is '$compiler', so the compiled form is not compared" >&2
      exit 0
    fi
    write_lock "$fresh" | diff - "$lock" >&2 ||
      { echo "native/build.sh: the compiled kernels are not those of the sources; run native/build.sh and commit both" >&2; exit 1; }
    echo "the compiled kernels are those of the sources"
    ;;
  *)
    echo "usage: native/build.sh [--check]" >&2
    exit 2
    ;;
esac
