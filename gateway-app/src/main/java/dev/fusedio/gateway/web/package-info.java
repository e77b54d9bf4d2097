/** What all HTTP answers have in common: problems (RFC 9457) and the API's description. */
@NullMarked
package dev.fusedio.gateway.web;

import org.jspecify.annotations.NullMarked;
