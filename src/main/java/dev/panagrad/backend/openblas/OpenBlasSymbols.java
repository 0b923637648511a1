package dev.panagrad.backend.openblas;

import dev.panagrad.backend.openblas.bindings.OpenBlasBindings;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The functions of one OpenBLAS library, by the signatures that jextract generated. The generated
 * handles and descriptors cannot be used: their classes look for symbols among the libraries that
 * {@code System.load} gave to this class's loader, and only one loader of a process can have a
 * library in that way. A lookup by path serves any number of loaders.
 *
 * <p>LAPACK is called by its Fortran names, because distributions leave the C names (LAPACKE) to
 * another library.
 */
final class OpenBlasSymbols {
  static final int ROW_MAJOR = OpenBlasBindings.CblasRowMajor();
  static final int UPPER = OpenBlasBindings.CblasUpper();
  static final int TRANSPOSED = OpenBlasBindings.CblasTrans();
  static final int AS_IT_IS = OpenBlasBindings.CblasNoTrans();

  private static final String SET_THREADS = "openblas_set_num_threads";
  private static final String CORE = "openblas_get_corename";
  private static final String CONFIG = "openblas_get_config";

  /** The names of the functions that this package calls. */
  static final List<String> NAMES =
      List.of(
          "cblas_sgemm",
          "cblas_dgemm",
          "cblas_sgemv",
          "cblas_dgemv",
          "cblas_ssyrk",
          "cblas_dsyrk",
          "spotrf_",
          "dpotrf_",
          SET_THREADS,
          CORE,
          CONFIG);

  // Triangle, order, matrix, column stride, info; and how long the text of the first is, which
  // Fortran compilers pass by value behind all others.
  private static final FunctionDescriptor POTRF =
      FunctionDescriptor.ofVoid(
          OpenBlasBindings.C_POINTER,
          OpenBlasBindings.C_POINTER,
          OpenBlasBindings.C_POINTER,
          OpenBlasBindings.C_POINTER,
          OpenBlasBindings.C_POINTER,
          OpenBlasBindings.C_LONG_LONG);

  private final SymbolLookup lookup;

  /** Throws {@link UnusableLibraryError} if the library lacks a symbol. */
  OpenBlasSymbols(Path file, SymbolLookup lookup) {
    this.lookup = lookup;
    for (String name : NAMES) {
      if (lookup.find(name).isEmpty()) {
        throw new UnusableLibraryError(
            "a symbol is missing from " + file + ": " + name,
            "name an OpenBLAS that was built with CBLAS and LAPACK with -D" + OpenBlasLibrary.PATH,
            null);
      }
    }
  }

  /** Links a function. Keep the handle in a static final field: C2 inlines only constants. */
  @SuppressWarnings("restricted")
  MethodHandle handle(String name) {
    return Linker.nativeLinker().downcallHandle(lookup.findOrThrow(name), descriptor(name));
  }

  /** The C signature of a function, from the Java signature of its generated method. */
  static FunctionDescriptor descriptor(String name) {
    if (name.endsWith("potrf_")) {
      return POTRF;
    }
    Method method =
        Arrays.stream(OpenBlasBindings.class.getMethods())
            .filter(generated -> generated.getName().equals(name))
            .findAny()
            .orElseThrow(() -> new IllegalArgumentException("no binding of " + name));
    MemoryLayout[] arguments =
        Arrays.stream(method.getParameterTypes())
            .map(OpenBlasSymbols::layout)
            .toArray(MemoryLayout[]::new);
    return method.getReturnType() == void.class
        ? FunctionDescriptor.ofVoid(arguments)
        : FunctionDescriptor.of(layout(method.getReturnType()), arguments);
  }

  private static MemoryLayout layout(Class<?> carrier) {
    return carrier == int.class
        ? OpenBlasBindings.C_INT
        : carrier == float.class
            ? OpenBlasBindings.C_FLOAT
            : carrier == double.class ? OpenBlasBindings.C_DOUBLE : OpenBlasBindings.C_POINTER;
  }

  /** Keeps the library's own threads from being started: they spin for 100 ms after each call. */
  void useOneThread() {
    try {
      handle(SET_THREADS).invokeExact(1);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The processor type that the kernels are for. */
  String core() {
    return text(CORE);
  }

  /** Version and options of the build. */
  String config() {
    return text(CONFIG);
  }

  private String text(String function) {
    try {
      return ((MemorySegment) handle(function).invokeExact()).getString(0);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Throws what a downcall threw: an error of the VM, or a refusal of memory that is closed. */
  static AssertionError unexpected(Throwable e) {
    switch (e) {
      case Error error -> throw error;
      case RuntimeException refused -> throw refused;
      default -> throw new AssertionError("a downcall threw", e);
    }
  }
}
