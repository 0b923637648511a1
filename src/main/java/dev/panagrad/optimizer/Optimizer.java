package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.scalar.DefinitionStep;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Updates parameters from their gradient, step by step.
 *
 * <pre>
 *   1. clip        scale the gradient if its norm exceeds clipNorm, clamp its values
 *   2. schedule    rate = schedule(step, learningRate)
 *   3. fused pass  weight decay, rule, penalty: one read and one write of parameters and state
 *   4. average     if there is one: one more read of the parameters
 * </pre>
 *
 * The fused pass is one kernel call, or two where a penalty or decay skips exempt parameters; more
 * where there are {@linkplain Builder#group groups}. A step makes no copy and allocates nothing.
 * Clipping by norm, {@link NonFinitePolicy#SKIP} and {@link NonFinitePolicy#THROW} read the
 * gradient once more. Ownership: state is allocated from the arena given to {@link Builder#build}
 * and freed with it. Threading: one thread at a time.
 */
public final class Optimizer {
  // Steps that can be counted: up to here every number is a double, as rules need it.
  static final long MAX_STEPS = 1L << 53;
  private final Builder options; // a copy that nobody changes
  private final UpdateRule rule;
  private final Parameters parameters;
  private final LinearAlgebra linear;
  private final Backend backend;
  private final StepKernel kernel;
  private final boolean fused;
  private final StepRanges ranges;
  private final StepMemory memory;
  private final Parameters averaged;
  private long steps;
  private long skipped;
  private double lastRate;
  private double rateFactor = 1;

  private Optimizer(Builder builder, Parameters parameters, Backend backend, TensorArena arena) {
    Tensor flat = parameters.flat();
    this.options = builder.copy();
    this.rule = builder.rule;
    this.parameters = parameters;
    this.backend = backend;
    this.linear = backend.linear();
    Requirements.check(options, flat, backend);
    this.ranges = StepRanges.of(parameters, options);
    StepKernel own = backend.step(rule, flat.dtype(), options.format).orElse(null);
    if (own == null && !backend.usesHostMemory()) {
      throw new IllegalArgumentException(
          "backend '%s' has no kernel for rule '%s' in %s, and the scalar definition needs host memory"
              .formatted(backend.name(), rule.name(), flat.dtype()));
    }
    this.fused = own != null;
    this.kernel = fused ? own : new DefinitionStep(rule, options.format);
    this.memory = new StepMemory(options, parameters, backend, arena);
    this.averaged =
        memory.average == null ? null : parameters.layoutOf().over(memory.average.vector());
  }

  /** Starts an optimizer of that rule, with a constant rate, no penalty and no clipping. */
  public static Builder of(UpdateRule rule) {
    return new Builder(rule);
  }

  public static final class Builder {
    final UpdateRule rule;
    private Schedule schedule; // null until one is set: constant
    Penalty penalty = Penalty.none();
    private NonFinitePolicy policy = NonFinitePolicy.PROPAGATE;
    StateFormat format = StateFormat.SAME;
    Averaging averaging;
    final List<ParameterGroup> groups = new ArrayList<>();
    private boolean maximize;
    double clipValue = Double.POSITIVE_INFINITY;
    private double clipNorm = Double.POSITIVE_INFINITY;

    private Builder(UpdateRule rule) {
      this.rule = Objects.requireNonNull(rule, "rule");
    }

    public Builder schedule(Schedule newSchedule) {
      this.schedule = Objects.requireNonNull(newSchedule, "schedule");
      return this;
    }

    /** Sets the penalty on parameters that are not exempt. */
    public Builder penalty(Penalty newPenalty) {
      this.penalty = Objects.requireNonNull(newPenalty, "penalty");
      return this;
    }

    /** Moves up the gradient instead of down. A penalty still pulls towards zero. */
    public Builder maximize() {
      this.maximize = true;
      return this;
    }

    /** Clamps every element of the gradient to [-bound, bound]: both sides. */
    public Builder clipValue(double bound) {
      this.clipValue = Checks.positive("clip value", bound);
      return this;
    }

    /**
     * Scales the whole gradient by {@code bound / (norm + 1e-6)} where that is below 1, as
     * PyTorch's clip_grad_norm_, before {@link #clipValue}. The norm is over all parameters.
     */
    public Builder clipNorm(double bound) {
      this.clipNorm = Checks.positive("clip norm", bound);
      return this;
    }

    public Builder nonFinite(NonFinitePolicy newPolicy) {
      this.policy = Objects.requireNonNull(newPolicy, "policy");
      return this;
    }

    public Builder state(StateFormat newFormat) {
      this.format = Objects.requireNonNull(newFormat, "format");
      return this;
    }

    /** Keeps an average of the parameters beside them: {@link Optimizer#averaged}. */
    public Builder average(Averaging newAveraging) {
      this.averaging = Objects.requireNonNull(newAveraging, "averaging");
      return this;
    }

    /**
     * Sets other options for the parameters that a pattern matches; of several groups that match,
     * the first counts. The kernel is called once for each run of neighbors with the same options.
     */
    public Builder group(ParameterGroup group) {
      groups.add(Objects.requireNonNull(group, "group"));
      return this;
    }

    public List<ParameterGroup> groups() {
      return List.copyOf(groups);
    }

    /** Returns the first group that matches a parameter; if none does, one without differences. */
    public ParameterGroup groupOf(String parameter) {
      return ParameterGroup.firstOf(groups, parameter);
    }

    public UpdateRule rule() {
      return rule;
    }

    public boolean hasSchedule() {
      return schedule != null;
    }

    /** Says why the rule cannot keep such state for parameters of that type; empty if it can. */
    public Optional<String> unsupportedStateReason(DType type) {
      return Requirements.unsupportedState(this, type);
    }

    /** Says why the rule cannot have the L1 penalties asked for; empty if it can. */
    public Optional<String> unsupportedL1Reason() {
      return Requirements.unsupportedL1(this);
    }

    public Penalty penalty() {
      return penalty;
    }

    public Builder withGroups(List<ParameterGroup> newGroups) {
      Builder copy = copy();
      copy.groups.clear();
      copy.groups.addAll(newGroups);
      return copy;
    }

    public Builder copy() {
      return with(rule);
    }

    double rate(long step) {
      return schedule == null ? rule.learningRate() : schedule.rate(step, rule.learningRate());
    }

    public Builder with(UpdateRule newRule) {
      Builder copy = new Builder(newRule);
      copy.schedule = schedule;
      copy.penalty = penalty;
      copy.policy = policy;
      copy.format = format;
      copy.maximize = maximize;
      copy.clipValue = clipValue;
      copy.clipNorm = clipNorm;
      copy.averaging = averaging;
      copy.groups.addAll(groups);
      return copy;
    }

    /**
     * Binds it to parameters.
     *
     * @param parameters in the memory that the backend computes in
     * @param arena owner of the optimizer's state
     * @throws IllegalArgumentException if the backend can neither fuse the rule nor use its scalar
     *     definition, the format of the state is not for this backend, rule or type, the rule
     *     {@linkplain UpdateRule#unsupportedL1Reason cannot have} an L1 penalty or {@linkplain
     *     UpdateRule#unsupportedReason(DType) cannot step} this type, or a group matches nothing;
     *     nothing is allocated
     */
    public Optimizer build(Parameters parameters, Backend backend, TensorArena arena) {
      return new Optimizer(this, parameters, backend, arena);
    }
  }

  /** Makes a {@link #step(Tensor)} with a gradient of the parameters' layout. */
  public boolean step(Parameters gradient) {
    return step(gradient.flat());
  }

  /**
   * Makes one step. For parameters without elements it counts, and does nothing else.
   *
   * @param gradient flat, of the parameters' type and count, its padding zero, in other memory than
   *     parameters, state and average; only read
   * @return false if the step was skipped because the gradient is not finite
   * @throws ArithmeticException if it is not finite and the policy is {@link
   *     NonFinitePolicy#THROW}, or the learning rate is negative, or not finite in the parameters'
   *     type; nothing changes
   * @throws IllegalArgumentException if the gradient does not fit; nothing changes
   * @throws IllegalStateException if memory or the backend has been closed, or 2^53 steps have been
   *     made; nothing changes
   */
  public boolean step(Tensor gradient) {
    linear.requireOpen();
    memory.require(gradient);
    if (steps == MAX_STEPS) {
      throw new IllegalStateException(
          "there is no step after %d: an optimizer counts as far as doubles do".formatted(steps));
    }
    if (options.policy != NonFinitePolicy.PROPAGATE && !linear.isFinite(gradient)) {
      if (options.policy == NonFinitePolicy.THROW) {
        throw new ArithmeticException(
            "the gradient '%s' of step %d has an infinite or NaN element; parameters and state are unchanged"
                .formatted(gradient.name(), steps + 1));
      }
      skipped++;
      return false;
    }
    long step = steps + 1;
    double rate = rateFactor * options.rate(steps);
    ranges.prepare(step, rate);
    double scale = options.maximize ? -1 : 1;
    if (options.clipNorm < Double.POSITIVE_INFINITY
        && !(ranges.isOneCall() && kernel.clipNorm(gradient, options.clipNorm))) {
      // 1e-6 as in PyTorch; a NaN norm gives a NaN scale, which propagates.
      double factor = options.clipNorm / (linear.norm2(gradient) + 1e-6);
      scale *= factor >= 1 ? 1 : factor;
    }
    ranges.apply(kernel, gradient, memory.slots, scale);
    if (memory.average != null) {
      memory.average.add(parameters.flat(), options.averaging.share(step));
    }
    backend.trace().count(StepTrace.Event.STEP);
    lastRate = rate;
    steps = step;
    return true;
  }

  public UpdateRule rule() {
    return rule;
  }

  public Parameters parameters() {
    return parameters;
  }

  public Penalty penalty() {
    return options.penalty;
  }

  /** Returns the average of the parameters, zero before the first step; null if there is none. */
  public Parameters averaged() {
    return averaged;
  }

  public Averaging averaging() {
    return options.averaging;
  }

  public List<ParameterGroup> groups() {
    return options.groups();
  }

  /**
   * Multiplies the learning rate of all later steps by a positive factor, beside the schedule and
   * earlier factors: for rates that are lowered when progress ends. Checkpoints remember it.
   */
  public void scaleRate(double factor) {
    Checks.positive("factor of the learning rate", factor);
    rateFactor = Checks.positive("product of all factors of the rate", rateFactor * factor);
  }

  /** Returns the factor of the schedule's rates; 1 unless {@link #scaleRate} was called. */
  public double rateFactor() {
    return rateFactor;
  }

  /** Returns the learning rate of a step, counted from 0, by rule and schedule alone. */
  public double learningRate(long step) {
    if (step < 0) {
      throw new IllegalArgumentException("steps count from 0, found " + step);
    }
    return options.rate(step);
  }

  /** Returns direction, clipping and policy in one text. */
  public String options() {
    String direction = options.maximize ? "maximize" : "minimize";
    return "%s, clip value %s, clip norm %s, not finite: %s"
        .formatted(direction, options.clipValue, options.clipNorm, options.policy);
  }

  public NonFinitePolicy nonFinite() {
    return options.policy;
  }

  /** Returns the number of steps made; skipped ones do not count. */
  public long steps() {
    return steps;
  }

  /** Returns the number of steps skipped because their gradient was not finite. */
  public long skippedSteps() {
    return skipped;
  }

  /** Returns the learning rate of the last step; 0 before the first. */
  public double lastLearningRate() {
    return lastRate;
  }

  public StateFormat stateFormat() {
    return options.format;
  }

  /** Returns the vectors of {@link UpdateRule#slots} in their format, codes before scales. */
  public List<Tensor> state() {
    return List.of(memory.slots);
  }

  /** Continues as if so many steps, in [0, 2^53], had been made, with restored {@link #state}. */
  public void resumeAt(long stepsMade) {
    resumeAt(stepsMade, skipped, rateFactor);
  }

  void resumeAt(long stepsMade, long stepsSkipped, double factor) {
    if (stepsMade < 0 || stepsMade > MAX_STEPS) {
      throw new IllegalArgumentException("steps made must be in [0, 2^53], found " + stepsMade);
    }
    lastRate = stepsMade == 0 ? 0 : factor * options.rate(stepsMade - 1);
    steps = stepsMade;
    rateFactor = factor;
    skipped = stepsSkipped;
  }

  Backend backend() {
    return backend;
  }

  @Override
  public String toString() {
    String form = fused ? "fused" : "scalar definition";
    String state = options.format.isCompact() ? ", state as " + options.format : "";
    return "%s on %s, %s%s, step %d".formatted(rule, backend.name(), form, state, steps);
  }
}
