package dev.panagrad.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/**
 * The compiled kernels: one file for each source of {@code native/cuda}, in a jar of their own,
 * loaded when a kernel of it is first asked for, never in a step.
 */
final class CudaModules {
  /** The folder is in no package, so that it is found in whatever jar or module it lies. */
  private static final String FOLDER = "META-INF/panagrad/cuda/";

  static final String MISSING = "the compiled kernels are not there";

  private final CudaDriver driver;
  private final Map<String, MemorySegment> modules = new HashMap<>();
  private final Map<String, CudaKernel> kernels = new HashMap<>();

  CudaModules(CudaDriver driver) {
    this.driver = driver;
  }

  /** The kernel {@code adam_step_f32} of the source {@code adam_step}. */
  CudaKernel kernel(String file, String name) {
    return kernels.computeIfAbsent(
        name,
        _ -> {
          MemorySegment module = modules.computeIfAbsent(file, this::load);
          try (Arena temporary = Arena.ofConfined()) {
            return new CudaKernel(name, driver.function(module, temporary.allocateFrom(name)));
          }
        });
  }

  /** True if the jar with the kernels is there. */
  static boolean arePresent() {
    return CudaModules.class.getClassLoader().getResource(FOLDER + "dot.fatbin") != null;
  }

  private MemorySegment load(String file) {
    String name = FOLDER + file + ".fatbin";
    try (InputStream in = CudaModules.class.getClassLoader().getResourceAsStream(name);
        Arena temporary = Arena.ofConfined()) {
      if (in == null) {
        throw new IllegalStateException(MISSING + ": there is no " + name);
      }
      byte[] bytes = in.readAllBytes();
      MemorySegment image = temporary.allocate(bytes.length, Long.BYTES);
      MemorySegment.copy(bytes, 0, image, ValueLayout.JAVA_BYTE, 0, bytes.length);
      // Reading a resource may have moved a virtual thread to another carrier, whose context it is.
      driver.enter();
      return driver.loadModule(image);
    } catch (IOException e) {
      throw new IllegalStateException("the compiled kernels " + name, e);
    }
  }

  Iterable<MemorySegment> loaded() {
    return modules.values();
  }
}
