/** The rows of one training: their order, where they lie, their loss and its sums. Not exported. */
package dev.panagrad.train.rows;
