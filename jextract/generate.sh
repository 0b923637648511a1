#!/usr/bin/env bash
# Generates the bindings again, with the jextract on the PATH, and writes the lock files.
#
#   jextract/generate.sh [openblas] [cuda] [cublas]      all three if none is named
#
# openblas: headers from the same Maven artifact as the library, so that they agree.
# cuda:     cuda.h from $CUDA_HOME/include.
# cublas:   cublas_v2.h from $CUBLAS_INCLUDE, by default $CUDA_HOME/include; what it includes from $CUDA_HOME/include.
set -euo pipefail
cd "$(dirname "$0")/.."

# bind LIBRARY BACKEND CLASS UMBRELLA-HEADER INCLUDE-FOLDER...
bind() {
  local library=$1 backend=$2 class=$3 umbrella=$4
  shift 4
  local out=jextract/$library/generated includes=()
  for folder in "$@"; do includes+=(--include-dir "$folder"); done
  rm -rf "$out"
  jextract "@jextract/$library/symbols.args" "${includes[@]}" --output "$out" \
    --target-package "dev.panagrad.backend.$backend.bindings" --header-class-name "$class" \
    "jextract/$library/$umbrella"
}

# lock LIBRARY SOURCE-OF-HEADERS UMBRELLA-HEADER HEADER-FILE...
lock() {
  local library=$1 source=$2 umbrella=$3
  shift 3
  {
    echo "# What the bindings were generated from and by; mvn verify checks the files, generate.sh writes this."
    echo "# jextract $(jextract --version 2>&1 | head -n 1)"
    echo "# $source"
    for header in "$@"; do
      echo "# header $(sha256sum "$header" | cut -d' ' -f1)  $(basename "$header")"
    done
    sha256sum "jextract/$library/$umbrella" "jextract/$library/symbols.args"
    find "jextract/$library/generated" -name '*.java' | LC_ALL=C sort | xargs -d '\n' sha256sum
  } > "jextract/$library/bindings.lock"
}

openblas() {
  local version headers=target/headers/openblas include
  version=$(sed -n 's:.*<openblas.version>\(.*\)</openblas.version>.*:\1:p' pom.xml)
  rm -rf "$headers"
  mvn -q dependency:unpack \
    -Dartifact="org.bytedeco:openblas:$version:jar:linux-x86_64" \
    -DoutputDirectory="$headers" -Dmdep.unpack.includes='**/include/*.h'
  include=$(dirname "$(find "$headers" -name cblas.h)")
  bind openblas openblas OpenBlasBindings openblas.h "$include"
  lock openblas "org.bytedeco:openblas $version" openblas.h \
    "$include"/{cblas.h,lapacke.h,openblas_config.h,lapack.h}
}

cuda() {
  local include=${CUDA_HOME:?names a CUDA toolkit}/include
  bind cuda cuda CudaBindings cuda_driver.h "$include"
  lock cuda "CUDA_VERSION $(sed -n 's/^#define CUDA_VERSION \([0-9]*\).*/\1/p' "$include/cuda.h")" cuda_driver.h \
    "$include/cuda.h"
}

cublas() {
  local toolkit=${CUDA_HOME:?names a CUDA toolkit}/include include=${CUBLAS_INCLUDE:-$CUDA_HOME/include}
  bind cublas cuda CublasBindings cublas.h "$include" "$toolkit"
  lock cublas "cuBLAS $(sed -n 's/^#define CUBLAS_VER_[A-Z]* \([0-9]*\).*/\1/p' "$include/cublas_api.h" | paste -sd.)" cublas.h \
    "$include"/{cublas_v2.h,cublas_api.h}
}

if [ $# = 0 ]; then set -- openblas cuda cublas; fi
for library in "$@"; do
  case $library in
    openblas | cuda | cublas) "$library" ;;
    *) echo "no bindings called '$library'; there are openblas, cuda, cublas" >&2; exit 2 ;;
  esac
done
git diff --stat -- jextract
