#!/usr/bin/env bash
# Makes target/gpu-bundle.tar.gz: all that tests and measures the backend "cuda" on a Linux x86-64 machine that has an
# NVIDIA driver and cuBLAS, but no JDK, no Maven and no network. There: tar xf gpu-bundle.tar.gz; gpu-bundle/run-gpu.sh
#
#   native/bundle.sh        MVN="mvn -o" for Maven without the network
#
#   gpu-bundle/
#     run-gpu.sh            the commands: backends, test, bench
#     jdk/                  a runtime image of the build's JDK
#     panagrad.jar jars/ lib/     the program, the engine with its compiled kernels, and the libraries
#     test-classes/         the tests, with their resources
#     test-lib/             JUnit's console and the tests' libraries
#     benchmark-classes/    the GPU ratios, with their script for PyTorch
set -euo pipefail
cd "$(dirname "$0")/.."
mvn=(${MVN:-mvn})
bundle=target/gpu-bundle
archive=target/gpu-bundle.tar.gz
limit=$((64 * 1024 * 1024))

# Beyond java.base: what engine, tests and JUnit use. "test" and "bench --rehearse" in the unpacked bundle show
# whether one is missing.
modules=java.logging,java.management,java.xml,jdk.incubator.vector,jdk.management,jdk.unsupported,jdk.zipfs

fail() {
  echo "native/bundle.sh: $*" >&2
  exit 1
}

# Where the build looks, in its order; the build's own message lists the same places.
find_jdk() {
  local home variable
  for variable in JAVA_HOME $(compgen -e | grep -E '^JAVA.*_HOME$' || true); do
    is_jdk "${!variable:-}" && return
  done
  home=$(command -v java || true)
  [ -n "$home" ] && home=$(dirname "$(dirname "$(readlink -f "$home")")")
  is_jdk "$home" && return
  for home in /usr/lib/jvm/* ~/.jdks/* ~/.m2/jdks/* ~/.sdkman/candidates/java/*; do
    is_jdk "$home" && return
  done
  fail "a JDK 25 with jlink is needed; looked in JAVA_HOME, JAVA*_HOME, the java on the path, /usr/lib/jvm, ~/.jdks, ~/.m2/jdks, ~/.sdkman/candidates/java; set JAVA_HOME"
}

is_jdk() {
  [ -n "$1" ] && [ -x "$1/bin/jlink" ] && grep -q '^JAVA_VERSION="25[".]' "$1/release" 2> /dev/null && jdk=$1
}

pack() {
  tar --sort=name --owner=0 --group=0 --numeric-owner -C target -cf - gpu-bundle | gzip -9 > "$archive"
  size=$(stat -c %s "$archive")
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "a bundle for Linux x86-64 is made on Linux x86-64: its runtime image is this machine's"
find_jdk

sources=(pom.xml src jextract/*/generated)
if [ ! -f target/panagrad.jar ] || [ ! -d target/test-classes ] \
  || [ -n "$(find "${sources[@]}" -newer target/panagrad.jar -print -quit)" ]; then
  "${mvn[@]}" -q package -DskipTests
fi

rm -rf "$bundle" "$archive"
mkdir -p "$bundle"/{lib,benchmark-classes/python}

"$jdk/bin/jlink" --add-modules "$modules" --strip-debug --no-man-pages --no-header-files --compress zip-9 \
  --output "$bundle/jdk"

cp target/panagrad.jar "$bundle/"
mkdir "$bundle/jars"
cp target/jars/panagrad.jar target/jars/panagrad-cuda.jar "$bundle/jars/"
find target/lib -name '*.jar' ! -name 'openblas-*' -exec cp {} "$bundle/lib/" \;
cp -r target/test-classes "$bundle/test-classes"
# jqwik writes its database there.
mkdir -p "$bundle/target"
# Tests that read their resources as files do so from the root of a checkout.
mkdir -p "$bundle/src/test"
ln -s ../../test-classes "$bundle/src/test/resources"

# JUnit 5.x.y is platform 1.x.y.
junit=$(sed -n 's:.*<junit.version>5\.\(.*\)</junit.version>.*:1.\1:p' pom.xml)
"${mvn[@]}" -q dependency:copy-dependencies dependency:copy -DoutputDirectory="$bundle/test-lib" \
  -DincludeGroupIds=net.jqwik,com.fasterxml.jackson.core -DexcludeArtifactIds=jackson-core \
  -Dartifact="org.junit.platform:junit-platform-console-standalone:$junit"

# The GPU ratios need of the benchmarks neither JMH nor the peers on the CPU, so that these are not fetched.
"$jdk/bin/javac" --release 25 -Xlint:-options,-incubating --add-modules jdk.incubator.vector -cp target/jars/panagrad.jar:target/panagrad.jar \
  -sourcepath benchmarks/src/main/java -implicit:class -d "$bundle/benchmark-classes" \
  benchmarks/src/main/java/dev/panagrad/benchmark/gpu/GpuRatios.java
cp benchmarks/src/main/python/torch_peer.py "$bundle/benchmark-classes/python/"

cp native/run-gpu.sh LICENSE "$bundle/"
chmod +x "$bundle/run-gpu.sh"
echo "Tests and GPU ratios of Panagrad; run-gpu.sh without arguments says how. Built from $(git rev-parse --short HEAD 2> /dev/null || echo 'a copy without history') on $(date -u +%F)." > "$bundle/README"

pack
# The library of the backend openblas, which these tests do not need: where there is room.
openblas=$(find target/lib -name 'openblas-*.jar' -print -quit)
if [ -n "$openblas" ] && [ $((size + $(stat -c %s "$openblas"))) -le "$limit" ]; then
  cp "$openblas" "$bundle/lib/"
  pack
fi
[ "$size" -le "$limit" ] || fail "$archive has $size bytes, more than the $limit that it may have; look for what is large with: du -a $bundle | sort -n"
echo "$archive: $size bytes, $((size / 1024 / 1024)) MiB of at most $((limit / 1024 / 1024))"
