/** Runs scripts on other kernels, in emulated machines. */
@NullMarked
package dev.fusedio.guest;

import org.jspecify.annotations.NullMarked;
