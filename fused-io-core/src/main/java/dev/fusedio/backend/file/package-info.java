/** Volumes in files and on block devices. */
@NullMarked
package dev.fusedio.backend.file;

import org.jspecify.annotations.NullMarked;
