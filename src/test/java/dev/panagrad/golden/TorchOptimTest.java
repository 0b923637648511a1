package dev.panagrad.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Parameters step by step, and learning rates, as PyTorch computed them; Lion as NumPy did. */
@Tag("simd")
class TorchOptimTest {
  private static final int CASES = 22;
  private static final int MORE_CASES = 12;

  private static JsonNode golden(String name) throws IOException {
    try (InputStream in = TorchOptimTest.class.getResourceAsStream("/golden/" + name)) {
      return new ObjectMapper().readTree(in);
    }
  }

  @Test
  void everyCaseOnEveryBackend() throws IOException {
    follow("torch-optim.json", CASES, TestBackends.mirrored(1));
  }

  /** Rules without kernels of their own, which need host memory. */
  @Test
  void moreRules() throws IOException {
    follow("more-optimizers.json", MORE_CASES, TestBackends.host(1));
  }

  private static void follow(String name, int expected, List<Backend> backends) throws IOException {
    int cases = 0;
    for (JsonNode trace : golden(name).get("cases")) {
      for (Backend backend : backends) {
        follow(trace, backend);
      }
      cases++;
    }
    TestBackends.close(backends);
    assertEquals(expected, cases);
  }

  private static UpdateRule rule(JsonNode trace) {
    JsonNode o = trace.get("options");
    double rate = o.get("lr").asDouble();
    double decay = o.path("weight_decay").asDouble(0);
    double momentum = o.path("momentum").asDouble(0);
    return switch (trace.get("optimizer").asText()) {
      case "SGD" -> new Sgd(rate, momentum, 0, o.path("nesterov").asBoolean(), decay);
      case "Adam" -> new Adam(rate, 0.9, 0.999, 1e-8, decay, false, o.path("amsgrad").asBoolean());
      case "AdamW" -> Adam.adamW(rate).withWeightDecay(decay);
      case "RMSprop" ->
          new RmsProp(rate, 0.99, 1e-8, momentum, o.path("centered").asBoolean(), decay);
      case "NAdam" ->
          new NAdam(
              rate,
              beta(o, 0, 0.9),
              beta(o, 1, 0.999),
              o.path("eps").asDouble(1e-8),
              o.path("momentum_decay").asDouble(4e-3),
              decay,
              o.path("decoupled_weight_decay").asBoolean());
      case "Adagrad" ->
          new Adagrad(
              rate,
              o.path("lr_decay").asDouble(0),
              o.path("initial_accumulator_value").asDouble(0),
              o.path("eps").asDouble(1e-10),
              decay);
      case "Lion" -> new Lion(rate, beta(o, 0, 0.9), beta(o, 1, 0.99), decay);
      default -> throw new IllegalArgumentException(trace.get("optimizer").asText());
    };
  }

  private static double beta(JsonNode options, int index, double otherwise) {
    return options.path("betas").path(index).asDouble(otherwise);
  }

  private static void follow(JsonNode trace, Backend backend) {
    boolean f64 = trace.get("dtype").asText().equals("float64");
    JsonNode initial = trace.get("initial");
    JsonNode gradients = trace.get("gradients");
    int count = initial.size();
    String name = trace.get("name").asText() + " " + trace.get("dtype") + " " + backend.name();
    try (TensorArena arena = TensorArena.open("golden")) {
      Parameters parameters =
          Parameters.layout()
              .add("p", count)
              .allocate(arena, "parameters", f64 ? DType.F64 : DType.F32);
      Parameters gradient = parameters.like(arena, "gradient");
      Tensor p = parameters.view("p");
      for (int i = 0; i < count; i++) {
        p.set(i, initial.get(i).asDouble());
      }
      Optimizer optimizer = Optimizer.of(rule(trace)).build(parameters, backend, arena);
      double[] before = p.toArray();
      double[] bounds = new double[count];
      for (int step = 0; step < gradients.size(); step++) {
        for (int i = 0; i < count; i++) {
          gradient.view("p").set(i, gradients.get(step).get(i).asDouble());
        }
        optimizer.step(gradient);
        for (int i = 0; i < count; i++) {
          double expected = trace.get("parameters").get(step).get(i).asDouble();
          bounds[i] += f32Bound(before[i], expected);
          double bound = f64 ? 1e-12 * Math.abs(expected) + 1e-15 : bounds[i];
          assertEquals(expected, p.get(i), bound, name + " step " + (step + 1) + " element " + i);
        }
        before = p.toArray();
      }
    }
  }

  /**
   * Both computations are within 4 ulp of the exact step, the ulp taken at the largest of the
   * parameter before, after, and the update; so one step adds at most 8 ulp. Differences of earlier
   * steps stay: the update contracts or keeps them, so they add up.
   */
  private static double f32Bound(double before, double after) {
    double largest =
        Math.max(Math.max(Math.abs(before), Math.abs(after)), Math.abs(after - before));
    return 8 * Math.ulp((float) largest);
  }

  @Test
  void everySchedule() throws IOException {
    int schedules = 0;
    for (JsonNode trace : golden("torch-optim.json").get("schedules")) {
      JsonNode o = trace.get("options");
      Schedule schedule =
          switch (trace.get("name").asText()) {
            case "exponential" -> Schedule.exponential(o.get("gamma").asDouble());
            case "step" -> Schedule.step(o.get("stepSize").asLong(), o.get("gamma").asDouble());
            case "cosine" -> Schedule.cosine(o.get("period").asLong(), o.get("minimum").asDouble());
            case "linear" ->
                Schedule.linear(
                    o.get("steps").asLong(),
                    o.get("startFactor").asDouble(),
                    o.get("endFactor").asDouble());
            default -> throw new IllegalArgumentException(trace.get("name").asText());
          };
      double base = trace.get("base").asDouble();
      JsonNode rates = trace.get("rates");
      assertTrue(rates.size() >= 30);
      for (int step = 0; step < rates.size(); step++) {
        double expected = rates.get(step).asDouble();
        // PyTorch multiplies its rate step by step; rounding grows by an ulp or so per step.
        assertEquals(
            expected,
            schedule.rate(step, base),
            1e-14 * (step + 1) * expected,
            trace.get("name") + " step " + step);
      }
      schedules++;
    }
    assertEquals(4, schedules);
  }
}
