/** How commands of this jar get a java of their own. */
package dev.panagrad.benchmark.launch;
