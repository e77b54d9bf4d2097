/** The settings, {@code gateway.*}: typed, validated, and refused when unknown. */
@NullMarked
package dev.fusedio.gateway.config;

import org.jspecify.annotations.NullMarked;
