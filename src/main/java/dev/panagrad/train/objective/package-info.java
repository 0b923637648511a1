/** The objective of one training as a function: its curvature, a rate and a bound. Not exported. */
package dev.panagrad.train.objective;
