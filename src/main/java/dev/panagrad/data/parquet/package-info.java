/**
 * Apache Parquet: the library hardwood-core decodes columns, with snappy-java, zstd-jni or lz4-java
 * for their compressions. It is given a copy of the footer, and pages whose headers have been
 * checked. The file is mapped; columns are read one after the other, in batches and pages of which
 * none may take more than 1/32 of the heap. Nothing is kept open between calls; the library unpacks
 * pages on threads of its own, which end with the call.
 */
package dev.panagrad.data.parquet;
