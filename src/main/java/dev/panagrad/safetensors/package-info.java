/**
 * Files of tensors in the safetensors format, which Python's {@code safetensors} reads and writes.
 *
 * <pre>
 *   0                8                8 + N                                      end of the file
 *   | N: u64, little | header: JSON   | tensors, one after the other, no gaps    |
 *   |   endian       | in UTF-8       |                                          |
 * </pre>
 *
 * The header is an object with a member for each tensor, {@code {"dtype", "shape",
 * "data_offsets"}}, offsets counted from the first tensor's byte, and {@code __metadata__}, texts
 * by name.
 *
 * <p>Source: Hugging Face, safetensors, README, section Format.
 *
 * <p>Decisions that are not obvious from the code:
 *
 * <ul>
 *   <li><b>A file is believed in nothing.</b> Lengths, offsets and shapes are checked against the
 *       file's size before anything is allocated or mapped; what is left is a range of the file for
 *       each tensor.
 *   <li><b>A file is replaced, never written over.</b> A reader finds the old file or the new one,
 *       after a crash too.
 *   <li><b>Headers are padded with blanks to a multiple of 64 bytes</b>, so that tensors map at the
 *       alignment of their type.
 * </ul>
 */
package dev.panagrad.safetensors;
