/**
 * What the formats share: opening files, names of columns and what is selected of them, types of
 * elements, and the check of each cell.
 */
package dev.panagrad.data.file;
