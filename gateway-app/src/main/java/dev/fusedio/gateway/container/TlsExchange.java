package dev.fusedio.gateway.container;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Sends what it reads from standard input over TLS, and prints what is answered until the server ends the connection. Trusts
 * the server that has one certificate, the first in the variable {@code GATEWAY_CERTIFICATE} (PEM), and no other; under which
 * name it is reached does not matter then.
 */
public final class TlsExchange {
    private static final int PATIENCE_MILLIS = 20_000;

    private TlsExchange() {}

    /** @param arguments the host and the port */
    public static void main(final String... arguments) throws IOException, GeneralSecurityException {
        final byte[] request = System.in.readAllBytes();
        final String certificate =
                Objects.requireNonNull(System.getenv("GATEWAY_CERTIFICATE"), "GATEWAY_CERTIFICATE is not set");
        try (Socket socket = trusting(certificate).getSocketFactory().createSocket()) {
            socket.connect(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])), PATIENCE_MILLIS);
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(request);
            socket.getInputStream().transferTo(System.out);
            System.out.flush();
        }
    }

    private static SSLContext trusting(final String certificate) throws IOException, GeneralSecurityException {
        final KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry(
                "gateway",
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(certificate.getBytes(StandardCharsets.US_ASCII))));
        final TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        final SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
