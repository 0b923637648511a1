package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.DeviceException;
import java.nio.file.Path;
import java.util.Locale;

/** Provides CUDA where a driver, a device and cuBLAS are found. */
public final class CudaProvider implements BackendProvider {
  // The toolkit that compiled the kernels, as 1000 * major + 10 * minor; in kernels.lock too.
  static final int TOOLKIT = 13000;
  // The oldest devices that the kernels' portable form runs on: Turing.
  private static final int LEAST_CAPABILITY = 75;

  private static final String DRIVER_REMEDY =
      "install an NVIDIA driver for CUDA %s or later (for containers: start with the GPU made visible), or name its libcuda.so.1 with -D%s; or use backend simd"
          .formatted(text(TOOLKIT), CudaLibraries.DRIVER);

  private static final String CUBLAS_REMEDY =
      "install cuBLAS (part of the CUDA toolkit; Python wheel nvidia-cublas) and set CUDA_HOME, or name libcublas.so.13 with -D"
          + CudaLibraries.CUBLAS;

  private static final String KERNELS_REMEDY =
      "add the jar of dev.panagrad:panagrad with the classifier cuda to the class path, or to the module path with --add-modules dev.panagrad.cuda; or use backend simd";

  private static final String DEVICE_REMEDY =
      "look at nvidia-smi and CUDA_VISIBLE_DEVICES; or use backend simd";

  /** Makes the provider; the service loader calls it. */
  public CudaProvider() {}

  @Override
  public String name() {
    return CudaBackend.NAME;
  }

  /**
   * Only by name. Its kernels do not work on host memory, so that a program written for {@code
   * auto} would fail where a GPU happens to be; and a context costs memory and time that nobody
   * asked for.
   */
  @Override
  public int rank() {
    return -20;
  }

  @Override
  public Availability probe() {
    return probe(0);
  }

  static Availability probe(int device) {
    Path library;
    int version;
    try {
      library = CudaLibraries.driver();
      version = CudaDevices.version();
      if (version < TOOLKIT) {
        return new Availability.Unavailable(
            "the driver %s is for CUDA %s, and the kernels were compiled for %s"
                .formatted(library, text(version), text(TOOLKIT)),
            DRIVER_REMEDY);
      }
      CudaDevices.requireSymbols(library);
    } catch (IllegalCallerException e) {
      return Availability.withoutNativeAccess(e);
    } catch (Throwable e) {
      return new Availability.Unavailable(reason(e), DRIVER_REMEDY, e);
    }
    CudaDevices.DeviceFacts facts;
    int devices;
    try {
      devices = CudaDevices.devices();
      if (device >= devices) {
        return new Availability.Unavailable(
            "device %d was asked for and the driver %s sees %d devices"
                .formatted(device, library, devices),
            DEVICE_REMEDY);
      }
      facts = CudaDevices.facts(device);
    } catch (DeviceException e) {
      return new Availability.Unavailable(
          "the driver %s does not start: %s".formatted(library, e.getMessage()), DEVICE_REMEDY, e);
    }
    String capability = facts.major() + "." + facts.minor();
    if (10 * facts.major() + facts.minor() < LEAST_CAPABILITY || !facts.hasPools()) {
      return new Availability.Unavailable(
          "%s has compute capability %s%s; 7.5 with memory pools is needed"
              .formatted(facts.name(), capability, facts.hasPools() ? "" : " without memory pools"),
          "use backend simd");
    }
    if (!CudaModules.arePresent()) {
      return new Availability.Unavailable(CudaModules.MISSING, KERNELS_REMEDY);
    }
    String cublas;
    try {
      cublas = Cublas.describeLibrary();
    } catch (Throwable e) {
      return new Availability.Unavailable(reason(e), CUBLAS_REMEDY, e);
    }
    return new Availability.Available(
        String.format(
            Locale.ROOT,
            "%s, compute capability %s, %.1f GiB, device %d of %d; driver for CUDA %s, %s; cuBLAS %s",
            facts.name(),
            capability,
            facts.bytes() / 0x1p30,
            device,
            devices,
            text(version),
            library,
            cublas));
  }

  /** An error of a native library may have no message of its own. */
  private static String reason(Throwable e) {
    boolean isOurs = e instanceof UnsatisfiedLinkError || e instanceof DeviceException;
    return isOurs ? e.getMessage() : e.toString();
  }

  private static String text(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  @Override
  public Backend open(BackendOptions options) {
    return new CudaBackend(options, probe(options.device()).orThrow(CudaBackend.NAME).detail());
  }
}
