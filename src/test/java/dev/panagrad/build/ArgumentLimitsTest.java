package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Averaging;
import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.optimizer.GradientAccumulator;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.FeatureOrder;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RateContext;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.CoordinateDescent;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.LinearOperator;
import dev.panagrad.solver.Objective;
import dev.panagrad.solver.ShiftedSystem;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Storage;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.AccessFlag;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every public method of the packages below whose arguments can be made here, called with each
 * argument at its limits: what is refused is refused by an exception of this library that says why,
 * and never by one of an array, a cast or an overflow on the way.
 */
@Tag("simd")
class ArgumentLimitsTest {
  private static final Set<String> FOLDERS =
      Set.of(
          "tensor",
          "optimizer",
          "rule",
          "schedule",
          "penalty",
          "solver",
          "regression",
          "path",
          "tune");

  /** What has no limits, and the update of one element, which kernels call in their loops. */
  private static final Set<String> NOT_CALLED =
      Set.of("close", "toString", "hashCode", "equals", "values", "valueOf", "update");

  /** They allocate what is asked for, and say so if the system has not as much. */
  private static final Set<String> ALLOCATING =
      Set.of("allocate", "extremes", "like", LinearRegression.class.getName());

  private final Map<Class<?>, List<Object>> values = new HashMap<>();
  private final Set<String> wrong = new TreeSet<>();
  private long calls;

  /** Half of the square of the distance to zero, of two parameters. */
  private static final class Bowl implements Objective {
    @Override
    public int size() {
      return 2;
    }

    @Override
    public double evaluate(double[] at, double[] gradient) {
      System.arraycopy(at, 0, gradient, 0, 2);
      return (at[0] * at[0] + at[1] * at[1]) / 2;
    }

    @Override
    public double value(int group) {
      return 0;
    }

    @Override
    public double largestCurvature() {
      return 1;
    }

    @Override
    public boolean isQuadratic() {
      return true;
    }
  }

  /** For parameters of that type: the first is one that is accepted by most. */
  private void give(Class<?> type, Object... some) {
    values.put(type, List.of(some));
  }

  private void fill(Backend backend, TensorArena arena, Arena memory) {
    give(int.class, 1, Integer.MIN_VALUE, -1, 0, 9, Integer.MAX_VALUE);
    give(long.class, 1L, Long.MIN_VALUE, -1L, 0L, 9L, 1L << 60, Long.MAX_VALUE - 1, Long.MAX_VALUE);
    give(short.class, (short) 1, Short.MIN_VALUE);
    give(boolean.class, true, false);
    double nan = Double.NaN;
    double huge = Double.MAX_VALUE;
    double tiny = Double.MIN_VALUE;
    double infinite = Double.POSITIVE_INFINITY;
    give(double.class, 0.5, 1d, 0d, -0d, -1d, tiny, huge, -huge, infinite, -infinite, nan);
    give(float.class, 0.5f, Float.NaN, Float.POSITIVE_INFINITY, -1f);
    give(long[].class, new long[] {2}, new long[0], new long[] {-1}, new long[] {1L << 62, 9});
    give(double[].class, new double[] {1, 2}, new double[0], new double[] {nan}, new double[9]);
    give(double[][].class, new double[][] {{2, 1}, {1, 2}}, new double[0][], new double[2][1]);
    give(String.class, "w", "", "*", "none");
    give(List.class, List.of("a", "b"), List.of(), List.of("a", "a", "c"));
    give(Map.class, Map.of(), Map.of("w", new double[9]));
    for (Class<?> type : List.of(DType.class, StateFormat.class, NonFinitePolicy.class)) {
      give(type, type.getEnumConstants());
    }
    give(Shape.class, Shape.of(2), Shape.of(2, 3), Shape.of(0), Shape.of(1L << 62, 1));
    Tensor matrix = arena.allocate("matrix", DType.F64, 2, 2).fill(1);
    Tensor vector = arena.allocate("vector", DType.F64, 2).fill(1);
    give(
        Tensor.class,
        matrix,
        vector,
        arena.allocate("four", DType.F64, 4, 4).fill(1),
        arena.allocate("narrow", DType.F32, 2, 2),
        arena.allocate("empty", DType.F64, 0),
        arena.allocate("index", DType.I64, 2),
        arena.allocate("wide", DType.F64, 2, 9).columns(0, 2),
        arena.allocate("bytes", DType.U8, 3, 2));
    give(Storage.class, matrix.storage());
    give(MemorySegment.class, memory.allocate(64, 64), memory.allocate(3), memory.allocate(0));
    give(TensorArena.class, arena);
    give(Backend.class, backend);
    Parameters p =
        Parameters.layout().add("w", 2).addExempt("b", 1).allocate(arena, "p", DType.F64);
    Parameters none = Parameters.layout().add("w", 0).allocate(arena, "none", DType.F64);
    give(Parameters.class, p, none);
    give(Parameters.Layout.class, Parameters.layout().add("v", 2), Parameters.layout());
    give(
        UpdateRule.class,
        Adam.of(0.1),
        NAdam.of(0.1),
        Adagrad.of(0.1),
        RmsProp.of(0.1).withMomentum(0.5),
        Lion.of(0.1),
        new GradientDescent(0.1),
        Sgd.of(0.1).withMomentum(0.9));
    for (Object rule : values.get(UpdateRule.class)) {
      give(rule.getClass(), rule);
    }
    give(StepCoefficients.class, new StepCoefficients(DType.F32), new StepCoefficients(DType.F64));
    give(RateContext.class, new RateContext(1, 1, 1, 1), new RateContext(0, nan, infinite, -1));
    give(Schedule.class, Schedule.constant(), Schedule.warmup(3).then(Schedule.cosine(5, 0)));
    give(Schedule.Segment.class, Schedule.warmup(3));
    give(Penalty.class, Penalty.none(), new Penalty(0.1, 0.1));
    give(Averaging.class, Averaging.ema(0.5), Averaging.polyakRuppert(1));
    give(ParameterGroup.class, ParameterGroup.of("w"));
    Optimizer.Builder builder = Optimizer.of(Adam.of(0.1)).average(Averaging.ema(0.5));
    Optimizer optimizer = builder.copy().build(p, backend, arena);
    give(Optimizer.class, optimizer);
    give(Optimizer.Builder.class, builder);
    give(GradientAccumulator.class, new GradientAccumulator(backend, arena, vector));
    give(CheckpointSnapshot.class, new CheckpointSnapshot(optimizer, arena, true));
    give(Solver.class, new ConjugateGradient(), new Lbfgs(3), new Fista());
    give(Objective.class, new Bowl());
    give(LinearOperator.class, (LinearOperator) (x, y) -> System.arraycopy(x, 0, y, 0, y.length));
    give(
        CoordinateDescent.class,
        new CoordinateDescent(new double[][] {{2, 1}, {1, 2}}, new double[] {1, 1}, 3));
    give(
        ShiftedSystem.class,
        new ShiftedSystem(new double[][] {{2, 1}, {1, 2}}, new double[] {1, 1}));
    LinearModel model =
        new LinearModel(List.of("a", "b"), List.of("y"), new double[1][2], new double[1]);
    give(LinearModel.class, model);
    give(ServedModel.class, new ServedModel(model));
    for (Object solver : values.get(Solver.class)) {
      give(solver.getClass(), solver);
      give(Solver.Run.class, ((Solver) solver).start(new Bowl(), new double[] {1, 2}, 0.1));
    }
    give(FeatureOrder.class, FeatureOrder.of(List.of("b"), List.of("a", "b")));
    give(NormalEquations.class, NormalEquations.of(backend, arena, matrix, vector, true));
    give(Standardization.class, Standardization.none(2, 2), Standardization.none(0, 0));
  }

  @Test
  void limitsAreRefusedByName() throws Exception {
    try (Backend backend = Backends.open("scalar", BackendOptions.defaults());
        TensorArena arena = TensorArena.open("limits");
        Arena memory = Arena.ofShared()) {
      fill(backend, arena, memory);
      for (CompiledClass compiled : CompiledClass.main()) {
        if (FOLDERS.contains(compiled.folder())) {
          Class<?> type = Class.forName(compiled.name().replace('/', '.'));
          if (Modifier.isPublic(type.getModifiers())) {
            sweep(type);
          }
        }
      }
    }
    assertEquals(Set.of(), wrong);
    assertTrue(calls > 5_000, calls + " calls");
  }

  private void sweep(Class<?> type) throws IllegalAccessException, InstantiationException {
    List<Executable> all = new ArrayList<>(List.of(type.getConstructors()));
    all.addAll(List.of(type.getDeclaredMethods()));
    for (Executable executable : all) {
      boolean isCalled =
          executable.accessFlags().contains(AccessFlag.PUBLIC)
              && !executable.isSynthetic()
              && !Modifier.isAbstract(type.getModifiers() & executable.getModifiers())
              && !NOT_CALLED.contains(executable.getName())
              && Arrays.stream(executable.getParameterTypes()).allMatch(values::containsKey);
      boolean isStatic =
          executable instanceof Constructor || Modifier.isStatic(executable.getModifiers());
      if (isCalled && executable.getParameterCount() > 0) {
        for (Object target : isStatic ? List.of(type) : values.getOrDefault(type, List.of())) {
          vary(executable, target);
        }
      }
    }
  }

  private void vary(Executable executable, Object target)
      throws IllegalAccessException, InstantiationException {
    Class<?>[] types = executable.getParameterTypes();
    Object[] arguments = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] = values.get(types[i]).getFirst();
    }
    for (int i = 0; i < types.length; i++) {
      Object usual = arguments[i];
      for (Object value : values.get(types[i])) {
        arguments[i] = value;
        call(executable, target, arguments);
      }
      arguments[i] = usual;
    }
  }

  private void call(Executable executable, Object target, Object[] arguments)
      throws IllegalAccessException, InstantiationException {
    calls++;
    try {
      if (executable instanceof Constructor<?> constructor) {
        constructor.newInstance(arguments);
      } else {
        ((Method) executable).invoke(target, arguments);
      }
    } catch (InvocationTargetException e) {
      Throwable thrown = e.getCause();
      if (!isOurs(thrown)
          && !(thrown instanceof OutOfMemoryError && ALLOCATING.contains(executable.getName()))) {
        wrong.add(
            "%s.%s%s: %s at %s"
                .formatted(
                    executable.getDeclaringClass().getSimpleName(),
                    executable.getName(),
                    Arrays.deepToString(arguments),
                    thrown,
                    thrown.getStackTrace().length > 0 ? thrown.getStackTrace()[0] : ""));
      }
    }
  }

  /** Thrown on purpose, with a text. */
  private static boolean isOurs(Throwable thrown) {
    String text = String.valueOf(thrown.getMessage());
    return switch (thrown) {
      case ArithmeticException _ -> !text.contains("overflow") && !text.contains("by zero");
      case IndexOutOfBoundsException e -> e.getClass() == IndexOutOfBoundsException.class;
      case IllegalArgumentException _, IllegalStateException _, IOException _ -> text.length() > 9;
      case UnsupportedOperationException _ -> text.length() > 9;
      default -> false;
    };
  }
}
