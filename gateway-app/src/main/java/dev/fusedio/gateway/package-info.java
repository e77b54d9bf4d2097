/** The control plane: what people and programs meet. Bytes of block requests never pass here. */
@NullMarked
package dev.fusedio.gateway;

import org.jspecify.annotations.NullMarked;
