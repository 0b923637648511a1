/** The checkpoints of one training: their folder, how they are written and found. Not exported. */
package dev.panagrad.train.checkpoint;
