/**
 * Advice before a training: which learning rate, batch size and schedule, and whether to
 * standardize. Rates come from a range test and from the curvature of the loss, batch sizes from
 * the noise of gradients; short trainings of each candidate, and full ones of the best, decide. So
 * what is suggested has been tried, with the seed and on the rows that it is suggested for.
 *
 * <p>Everything is a function of data, rule, options and seed; one backend gives the same advice
 * every time. Losses are those of the training rows: nothing is said about rows that were not seen.
 */
package dev.panagrad.tune;
