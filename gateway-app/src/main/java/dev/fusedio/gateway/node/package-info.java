/** What this node is and what its kernel grants: REST and health. */
@NullMarked
package dev.fusedio.gateway.node;

import org.jspecify.annotations.NullMarked;
