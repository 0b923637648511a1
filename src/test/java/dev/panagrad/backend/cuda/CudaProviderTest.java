package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.BackendTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the table of backends says where the driver, a device or cuBLAS is missing or unfit. A
 * process loads a library once, so each case is a process of its own.
 */
@EnabledOnOs(OS.LINUX)
class CudaProviderTest {
  private static final String SIMULATION = System.getProperty("panagrad.cuda.library", "");

  @TempDir private Path folder;

  /** The table where the software device is named, with changes to the environment. */
  private static BackendTable table(List<String> environment, String... options)
      throws IOException, InterruptedException {
    assumeTrue(SoftwareDevice.isPresent(), "the software CUDA device was not built");
    List<String> all = new ArrayList<>(List.of(named("cuda", SIMULATION)));
    all.add(named("cublas", SIMULATION));
    all.addAll(List.of(options));
    return table(environment, all);
  }

  private static BackendTable table(List<String> environment, List<String> options)
      throws IOException, InterruptedException {
    List<String> prefix = new ArrayList<>(List.of("env"));
    prefix.addAll(environment);
    List<String> all = new ArrayList<>(BackendTable.WITHOUT_C2);
    all.addAll(options);
    BackendTable table =
        BackendTable.of(prefix, System.getProperty("java.class.path"), all.toArray(String[]::new));
    // Whatever is found, nobody gets a GPU without asking for it.
    table.chooses("simd");
    return table;
  }

  private static String named(String library, String path) {
    return "-Dpanagrad." + library + ".library=" + path;
  }

  @Test
  void noDriver() throws IOException, InterruptedException {
    assumeTrue(
        Stream.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib")
            .noneMatch(lib -> Files.exists(Path.of(lib, "libcuda.so.1"))),
        "a driver is installed");
    String line =
        table(List.of(), List.<String>of())
            .refuses(
                "cuda",
                "libcuda.so.1 was not found",
                "the system's loader has no libcuda.so.1",
                "/usr/lib/x86_64-linux-gnu",
                "install an NVIDIA driver for CUDA 13.0",
                "-Dpanagrad.cuda.library",
                "backend simd");
    assertFalse(line.contains("Exception"), line);
  }

  @Test
  void softwareDeviceSaysWhatItIs() throws IOException, InterruptedException {
    String line = table(List.of()).offers("cuda");
    assertTrue(line.contains("software device"), line);
    assertTrue(line.contains("compute capability"), line);
    assertTrue(line.contains("GiB, device 0 of 1"), line);
    assertTrue(line.contains("driver for CUDA 13.0, " + SIMULATION), line);
    assertTrue(line.matches(".*cuBLAS [0-9.]+, .*\\.so.*"), line);
  }

  /** The environment names the libraries too; a property goes first. */
  @Test
  void namedByEnvironment() throws IOException, InterruptedException {
    assumeTrue(SoftwareDevice.isPresent(), "the software CUDA device was not built");
    List<String> environment =
        List.of("PANAGRAD_CUDA_LIBRARY=" + SIMULATION, "PANAGRAD_CUBLAS_LIBRARY=" + SIMULATION);
    assertTrue(table(environment, List.<String>of()).offers("cuda").contains("software device"));
    String missing = folder.resolve("none.so").toString();
    table(environment, List.of(named("cuda", missing))).refuses("cuda", missing, "is not a file");
  }

  /** The file that is named is taken, and no other where it cannot be. */
  @Test
  void namedDriverIsNoLibrary() throws IOException, InterruptedException {
    Path text = Files.writeString(folder.resolve("libcuda.so.1"), "not a library");
    table(List.of(), List.of(named("cuda", text.toString()))).refuses("cuda", text.toString());
  }

  @Test
  void missingCublas() throws IOException, InterruptedException {
    String missing = folder.resolve("libcublas.so.13").toString();
    table(List.of(), named("cublas", missing))
        .refuses("cuda", "cuBLAS", missing, "is not a file", "set CUDA_HOME");
  }

  /** A library of another kind is refused for what it lacks, though another one has it. */
  @Test
  void otherLibraries() throws IOException, InterruptedException {
    Path other = Path.of(System.getProperty("java.home"), "lib", "libjava.so");
    String file = other.toString();
    assumeTrue(Files.exists(other), "there is no library " + other);
    table(List.of(), named("cublas", file))
        .refuses("cuda", file + " has no symbol cublasGetProperty", "panagrad.cublas.library");
    table(List.of("PANAGRAD_CUDA_LIBRARY=" + file), List.of())
        .refuses(
            "cuda", file + " has no symbol cuDriverGetVersion", "variable PANAGRAD_CUDA_LIBRARY");
  }

  /** The third of three devices; the software's devices are all alike. */
  @Test
  void deviceByNumber() throws IOException, InterruptedException {
    assumeTrue(SoftwareDevice.isPresent(), "the software CUDA device was not built");
    String out =
        BackendTable.program(
            0,
            List.of("env", "CUDASIM_DEVICES=3"),
            System.getProperty("java.class.path"),
            List.of(named("cuda", SIMULATION), named("cublas", SIMULATION)),
            "train",
            "sample:diabetes",
            "--target",
            "progression",
            "--epochs",
            "1",
            "--backend",
            "cuda",
            "--device",
            "2");
    assertTrue(out.contains("device 2 of 3"), out);
  }

  @Test
  void missingSymbol() throws IOException, InterruptedException {
    String other = Path.of(SIMULATION).resolveSibling("libcudasim-nograph.so").toString();
    table(List.of(), named("cuda", other)).refuses("cuda", "cuGraphLaunch", other);
  }

  @Test
  void oldDriver() throws IOException, InterruptedException {
    table(List.of("CUDASIM_DRIVER_VERSION=12040"))
        .refuses("cuda", "is for CUDA 12.4", "compiled for 13.0");
  }

  @Test
  void noDevice() throws IOException, InterruptedException {
    table(List.of("CUDASIM_DEVICES=0"))
        .refuses("cuda", "device 0 was asked for", "sees 0", "CUDA_VISIBLE_DEVICES");
  }

  /** Asked for by name on a machine without a GPU, with the reason, and nothing else happens. */
  @Test
  void askedForWithoutDevice() throws IOException, InterruptedException {
    String[] train = {
      "train", "sample:diabetes", "--target", "progression", "--epochs", "1", "--backend", "cuda"
    };
    String missing = named("cuda", folder.resolve("none.so").toString());
    String out =
        BackendTable.program(
            1, List.of(), System.getProperty("java.class.path"), List.of(missing), train);
    assertTrue(out.contains("'cuda' was asked for and is not available"), out);
    assertFalse(out.contains("Exception"), out);
    new BackendTable(out).refuses("cuda", "none.so is not a file");
    assertEquals(1, out.lines().filter(line -> line.startsWith("simd ")).count(), out);
  }
}
