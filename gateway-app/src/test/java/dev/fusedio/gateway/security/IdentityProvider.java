package dev.fusedio.gateway.security;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.Map;

/** An OpenID provider: its discovery document, its keys, and tokens of its. */
final class IdentityProvider implements AutoCloseable {
    private final HttpServer server;
    private final RSAKey key;

    IdentityProvider() {
        try {
            key = new RSAKeyGenerator(2048).keyID("one").generate();
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (final IOException | JOSEException e) {
            throw new IllegalStateException(e);
        }
        answer(
                "/.well-known/openid-configuration",
                "{\"issuer\": \"%s\", \"jwks_uri\": \"%s/keys\", \"subject_types_supported\": [\"public\"]}"
                        .formatted(issuer(), issuer()));
        answer("/keys", new JWKSet(key.toPublicJWK()).toString());
        server.start();
    }

    private void answer(final String path, final String json) {
        server.createContext(path, exchange -> {
            final byte[] body = json.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }

    String issuer() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    String token(final Map<String, Object> claims) {
        return token(claims, key);
    }

    /** Signed by somebody who says to be this provider. */
    String forged(final Map<String, Object> claims) {
        try {
            return token(claims, new RSAKeyGenerator(2048).keyID("one").generate());
        } catch (final JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private String token(final Map<String, Object> claims, final RSAKey signing) {
        try {
            final JWTClaimsSet.Builder set = new JWTClaimsSet.Builder()
                    .issuer(issuer())
                    .subject("ada")
                    .audience("fused-gateway")
                    .expirationTime(Date.from(Instant.now().plusSeconds(600)));
            claims.forEach(set::claim);
            final SignedJWT jwt = new SignedJWT(
                    new JWSHeader.Builder(JWSAlgorithm.RS256)
                            .keyID(signing.getKeyID())
                            .build(),
                    set.build());
            jwt.sign(new RSASSASigner(signing));
            return jwt.serialize();
        } catch (final JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
