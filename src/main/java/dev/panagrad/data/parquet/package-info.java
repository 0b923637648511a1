/**
 * Apache Parquet: the library that decodes columns is given a copy of the footer, and pages whose
 * headers have been checked.
 */
package dev.panagrad.data.parquet;
