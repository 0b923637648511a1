package dev.panagrad.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/**
 * The compiled kernels: one file beside this class for each source of {@code native/cuda}, loaded
 * when a kernel of it is first asked for, never in a step.
 */
final class CudaModules {
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

  private MemorySegment load(String file) {
    try (InputStream in = CudaModules.class.getResourceAsStream(file + ".fatbin");
        Arena temporary = Arena.ofConfined()) {
      if (in == null) {
        throw new IllegalStateException("the compiled kernels " + file + ".fatbin are missing");
      }
      byte[] bytes = in.readAllBytes();
      MemorySegment image = temporary.allocate(bytes.length, Long.BYTES);
      MemorySegment.copy(bytes, 0, image, ValueLayout.JAVA_BYTE, 0, bytes.length);
      // Reading a resource may have moved a virtual thread to another carrier, whose context it is.
      driver.enter();
      return driver.loadModule(image);
    } catch (IOException e) {
      throw new IllegalStateException("the compiled kernels " + file + ".fatbin", e);
    }
  }

  Iterable<MemorySegment> loaded() {
    return modules.values();
  }
}
