/** Who may do what: bearer tokens, JSON web tokens, client certificates, roles, and one table of rules for all addresses. */
@NullMarked
package dev.fusedio.gateway.security;

import org.jspecify.annotations.NullMarked;
