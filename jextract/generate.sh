#!/usr/bin/env bash
# Generates the bindings again, with the jextract on the PATH, and writes the lock files.
# The headers come from the same Maven artifact as the library, so that they agree.
set -euo pipefail
cd "$(dirname "$0")/.."

openblas=$(sed -n 's:.*<openblas.version>\(.*\)</openblas.version>.*:\1:p' pom.xml)
headers=target/headers/openblas
rm -rf "$headers"
mvn -q dependency:unpack \
  -Dartifact="org.bytedeco:openblas:$openblas:jar:linux-x86_64" \
  -DoutputDirectory="$headers" -Dmdep.unpack.includes='**/include/*.h'
include=$(dirname "$(find "$headers" -name cblas.h)")

out=jextract/openblas/generated
rm -rf "$out"
jextract @jextract/openblas/symbols.args \
  --include-dir "$include" \
  --output "$out" \
  --target-package dev.panagrad.backend.openblas.bindings \
  --header-class-name OpenBlasBindings \
  jextract/openblas/openblas.h

{
  echo "# What the bindings were generated from and by; mvn verify checks the files, generate.sh writes this."
  echo "# jextract $(jextract --version 2>&1 | head -n 1)"
  echo "# org.bytedeco:openblas $openblas"
  (cd "$include" && sha256sum cblas.h lapacke.h openblas_config.h lapack.h | sed 's/^/# header /')
  sha256sum jextract/openblas/openblas.h jextract/openblas/symbols.args
  find "$out" -name '*.java' | LC_ALL=C sort | xargs -d '\n' sha256sum
} > jextract/openblas/bindings.lock
git diff --stat -- jextract
