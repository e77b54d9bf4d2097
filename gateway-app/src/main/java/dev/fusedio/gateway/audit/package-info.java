/** Who changed what: one line of JSON for each change and each refusal. */
@NullMarked
package dev.fusedio.gateway.audit;

import org.jspecify.annotations.NullMarked;
