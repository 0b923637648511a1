/** Encodes the columns of a table, with texts and missing cells, as the features of a model. */
package dev.panagrad.encoding;
