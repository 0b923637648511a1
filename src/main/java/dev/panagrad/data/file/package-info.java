/** What the formats share: opening files, columns, element types, and the check of each cell. */
package dev.panagrad.data.file;
