/**
 * The reference backend: every kernel slot filled by plain loops in double precision, whatever the
 * element type, with each result rounded once. It runs on every JVM, on the calling thread only,
 * and is what other backends are tested against. Every update rule runs here by its scalar
 * definition.
 */
package dev.panagrad.backend.scalar;
