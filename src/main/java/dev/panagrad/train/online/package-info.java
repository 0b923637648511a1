/**
 * The parts of an online regression: where its rows go, what judges them, the parameters it returns
 * to, its learning rate, its file, and the one thread that may use it.
 */
package dev.panagrad.train.online;
