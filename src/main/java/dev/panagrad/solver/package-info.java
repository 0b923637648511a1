/**
 * Methods that look at all rows at once, over vectors in double precision on the heap: what a pass
 * over the data costs hides what they do between passes. They know nothing of tensors, rows or
 * backends, only of {@link dev.panagrad.solver.Objective} and {@link
 * dev.panagrad.solver.LinearOperator}.
 */
package dev.panagrad.solver;
