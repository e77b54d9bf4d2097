/** The pool and its volumes: what exists, where it lies, and who may change it when. */
@NullMarked
package dev.fusedio.gateway.catalogue;

import org.jspecify.annotations.NullMarked;
