/**
 * Update rules: the mathematics of an optimizer step, one file each.
 *
 * <p>A rule is a record of validated hyper-parameters. It folds the step number, the learning rate
 * and the penalty into {@link dev.panagrad.rule.StepCoefficients} once per step, in double
 * precision, and defines the update of one element. That scalar definition is documentation,
 * fallback and test oracle at once; a backend may fuse it into a kernel.
 *
 * <p>What every rule shares happens in this order, as in PyTorch: the gradient is negated to
 * maximize, scaled to clip its global norm, clamped to clip its values; coupled weight decay adds a
 * multiple of the parameter to it; the rule updates its state and moves the parameter; decoupled
 * decay shrinks the parameter; an L1 penalty is applied last, by its proximal map, so that zeros
 * are exact.
 *
 * <p>Four statements that are often made otherwise:
 *
 * <ul>
 *   <li>Adam divides the bias-corrected first moment by the root of the bias-corrected second
 *       moment: {@code rate * mhat / (sqrt(vhat) + epsilon)}. The rate is not divided by the first
 *       moment.
 *   <li>Adam and RMSProp are first-order methods. They rescale each coordinate by the magnitude of
 *       its past gradients; that is not an estimate of the Hessian.
 *   <li>Gradient descent can and does stop in local minima and saddle points of a non-convex loss.
 *       Least squares is convex and has none.
 *   <li>The last batch of an epoch is usually smaller. Its gradient is averaged over its own size,
 *       not over the nominal batch size.
 * </ul>
 */
package dev.panagrad.rule;
