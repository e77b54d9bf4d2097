/** What all HTTP answers have in common: problems (RFC 9457), the API's description, and the limits on clients. */
@NullMarked
package dev.fusedio.gateway.web;

import org.jspecify.annotations.NullMarked;
