/** How the columns of a table, with texts and missing cells, become the features of a model. */
package dev.panagrad.encoding;
