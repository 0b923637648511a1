package dev.panagrad.conformance;

import static dev.panagrad.conformance.AllocationTest.allocatesNothing;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.FeatureOrder;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.OnlineRegression;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a service calls for each request allocates nothing on the heap. */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("alone")
@Order(1)
class ServingAllocationTest {
  private static List<String> names(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).toList();
  }

  @Test
  void predictions() {
    for (int d : new int[] {10, 100}) {
      LinearModel model =
          new LinearModel(names("x", d), names("y", 2), new double[2][d], new double[2]);
      FeatureOrder order = FeatureOrder.of(model.features(), model.features().reversed());
      double[] values = new double[d];
      double[] row = new double[d];
      double[] out = new double[2];
      try (ServedModel served = new ServedModel(model);
          TensorArena arena = TensorArena.open("serving")) {
        allocatesNothing("columns d = " + d, () -> order.arrange(values, row));
        allocatesNothing(
            "one target d = " + d,
            () -> {
              out[0] = served.predict(row, 1);
            });
        allocatesNothing("all targets d = " + d, () -> served.predict(row, out));
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          Tensor x = arena.allocate("x", dtype, 5, d);
          Tensor y = arena.allocate("y", dtype, 5, 2);
          allocatesNothing("rows " + dtype + " d = " + d, () -> served.current().predict(x, y));
          allocatesNothing(
              "a row " + dtype + " d = " + d, () -> served.current().predict(x, 3, 1, y));
        }
      }
    }
  }

  @Test
  void responses() {
    for (Loss loss : List.of(new Squared(), new Logistic(), new Poisson())) {
      int d = 10;
      LinearModel model =
          new LinearModel(names("x", d), names("y", 2), new double[2][d], new double[2])
              .withLoss(loss);
      double[] row = new double[d];
      double[] out = new double[2];
      try (ServedModel served = new ServedModel(model);
          TensorArena arena = TensorArena.open("serving")) {
        allocatesNothing(
            "one response, " + loss.name(),
            () -> {
              out[0] = served.response(row, 1);
            });
        allocatesNothing("all responses, " + loss.name(), () -> served.response(row, out));
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          Tensor x = arena.allocate("x", dtype, 5, d);
          Tensor y = arena.allocate("y", dtype, 5, 2);
          String what = " %s, %s".formatted(dtype, loss.name());
          allocatesNothing("responses of rows" + what, () -> served.current().response(x, y));
          allocatesNothing("response of a row" + what, () -> served.current().response(x, 3, 1, y));
        }
      }
    }
  }

  @Test
  void updates() {
    for (String name : TestBackends.hostNames()) {
      try (Backend backend = Backends.open(name, new BackendOptions(1))) {
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          for (int d : new int[] {10, 100}) {
            double[] ones = new double[d];
            Arrays.fill(ones, 1);
            double[] loss = {0};
            double[] one = {1};
            OnlineRegression.Builder builder =
                OnlineRegression.with(Optimizer.of(Adam.of(1e-3)).clipNorm(1)).dtype(dtype);
            String what = "%s %s d = %d".formatted(name, dtype, d);
            try (OnlineRegression online = builder.open(backend, names("x", d), List.of("y"));
                TensorArena arena = TensorArena.open("row")) {
              allocatesNothing(
                  "update " + what,
                  () -> {
                    loss[0] = online.update(ones, one);
                  });
              DenseRows rows =
                  new DenseRows(
                      arena.allocate("x", dtype, 1, d).fill(1),
                      arena.allocate("y", dtype, 1, 1).fill(1));
              allocatesNothing(
                  "update by a batch " + what,
                  () -> {
                    loss[0] = online.update(rows);
                  });
            }
            OnlineRegression.Builder rated =
                OnlineRegression.with(Optimizer.of(Sgd.of(1))).dtype(dtype).automaticRate();
            try (OnlineRegression online = rated.open(backend, names("x", d), List.of("y"))) {
              allocatesNothing(
                  "weighted update at an automatic rate " + what,
                  () -> {
                    loss[0] = online.update(ones, one, 2, 0.5);
                  });
            }
            builder.standardization(
                Standardization.of(new double[d], ones, new double[1], new double[] {2}));
            try (OnlineRegression online = builder.open(backend, names("x", d), List.of("y"))) {
              allocatesNothing(
                  "standardized update " + what,
                  () -> {
                    loss[0] = online.update(ones, one);
                  });
            }
          }
        }
      }
    }
  }
}
