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
 * by name. Source: Hugging Face, safetensors, README, section Format.
 *
 * <ul>
 *   <li><b>A file is believed in nothing.</b> Lengths, offsets and shapes are checked against the
 *       file's size before anything is allocated or mapped. What a file says is shown as an {@link
 *       dev.panagrad.safetensors.Excerpt}.
 *   <li><b>A file is open while it is used</b>, so that header and tensors are of one file, and is
 *       read by that channel: one that is cut short meanwhile is an exception. Mapping, where that
 *       ends the process, is for those who ask for it.
 *   <li><b>A file is replaced, never written over.</b> A reader finds the old file or the new one,
 *       after a crash too.
 *   <li><b>Headers are padded with blanks to a multiple of 64 bytes</b>, so that tensors map at the
 *       alignment of their type.
 *   <li><b>Headers are read by a scanner of our own.</b> A header of 100 MB takes 205 MB (500 MB
 *       with Chinese letters, of which the JDK makes text by way of two larger arrays), where a
 *       general parser took 0.9 GB. Of names, a million are read.
 * </ul>
 */
package dev.panagrad.safetensors;
