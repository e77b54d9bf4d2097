/** The command line of the data plane: one volume, served and nothing else. */
@NullMarked
package dev.fusedio.cli;

import org.jspecify.annotations.NullMarked;
