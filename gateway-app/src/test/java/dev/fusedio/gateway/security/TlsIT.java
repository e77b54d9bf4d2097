package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.GatewayProcess;
import dev.fusedio.gateway.Openssl;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** REST over TLS, with the real process: server certificates that change, and client certificates that have roles. */
class TlsIT {
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir
    private Path folder;

    @Test
    void newCertificatesAreTakenUpAndClientCertificatesHaveRoles() throws Exception {
        Openssl.assume();
        makeServerCertificate("one");
        makeClientCertificate("/O=example/CN=backup", "known");
        makeClientCertificate("/O=example/CN=stranger", "stranger");
        final Watching trust = new Watching();
        try (GatewayProcess gateway = GatewayProcess.start(
                folder.resolve("pool"),
                folder.resolve("errors"),
                "--spring.ssl.bundle.pem.rest.reload-on-update=true",
                "--spring.ssl.bundle.pem.rest.keystore.certificate=file:" + folder.resolve("server.crt"),
                "--spring.ssl.bundle.pem.rest.keystore.private-key=file:" + folder.resolve("server.key"),
                "--spring.ssl.bundle.pem.rest.truststore.certificate=file:" + folder.resolve("ca.crt"),
                "--server.ssl.bundle=rest",
                "--server.ssl.client-auth=want",
                "--gateway.security.authentication=required",
                "--gateway.security.client-certificates[0].subject=CN=backup,O=example",
                "--gateway.security.client-certificates[0].role=operator")) {
            assertThat(gateway.rest()).startsWith("https://");
            assertThat(whoAmI(gateway, trust, null)).startsWith("401");
            assertThat(whoAmI(gateway, trust, "stranger")).startsWith("401");
            assertThat(whoAmI(gateway, trust, "known"))
                    .startsWith("200")
                    .contains("\"operator\"", "\"certificate\"", "CN=backup,O=example");
            assertThat(trust.server).isEqualTo("CN=one");

            makeServerCertificate("two");
            Awaitility.await().atMost(Duration.ofSeconds(90)).until(() -> {
                whoAmI(gateway, trust, null);
                return trust.server.equals("CN=two");
            });
        }
    }

    private String whoAmI(final GatewayProcess gateway, final Watching trust, final @Nullable String certificate)
            throws IOException, InterruptedException, GeneralSecurityException {
        final SSLContext context = SSLContext.getInstance("TLS");
        context.init(certificate == null ? null : keys(certificate), new TrustManager[] {trust}, null);
        try (HttpClient client = HttpClient.newBuilder()
                .sslContext(context)
                .connectTimeout(Duration.ofSeconds(30))
                .build()) {
            final var answer = client.send(
                    HttpRequest.newBuilder(URI.create(gateway.rest() + "/api/v1/whoami"))
                            .timeout(Duration.ofSeconds(30))
                            .build(),
                    BodyHandlers.ofString());
            return answer.statusCode() + " " + answer.body();
        }
    }

    private KeyManager[] keys(final String name) throws GeneralSecurityException, IOException {
        final KeyStore store =
                KeyStore.getInstance(folder.resolve(name + ".p12").toFile(), PASSWORD);
        final KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, PASSWORD);
        return factory.getKeyManagers();
    }

    /** Both files are put in place whole, as a certificate's renewal does. */
    private void makeServerCertificate(final String name) throws Exception {
        Openssl.run(
                folder,
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=" + name
                        + " -addext subjectAltName=IP:127.0.0.1 -keyout next.key -out next.crt");
        for (final String part : new String[] {"key", "crt"}) {
            Files.move(
                    folder.resolve("next." + part),
                    folder.resolve("server." + part),
                    StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private void makeClientCertificate(final String subject, final String name) throws Exception {
        if (Files.notExists(folder.resolve("ca.key"))) {
            Openssl.run(
                    folder, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=clients -keyout ca.key -out ca.crt");
        }
        Openssl.run(folder, "req -newkey rsa:2048 -nodes -subj " + subject + " -keyout client.key -out client.csr");
        Openssl.run(
                folder, "x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out client.crt");
        Openssl.run(
                folder, "pkcs12 -export -in client.crt -inkey client.key -out " + name + ".p12 -passout pass:changeit");
    }

    /** Trusts every server, and remembers the last. */
    private static final class Watching extends X509ExtendedTrustManager {
        private volatile String server = "";

        private void note(final X509Certificate[] chain) {
            server = chain[0].getSubjectX500Principal().getName();
        }

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type) {
            note(chain);
        }

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type, final Socket socket) {
            note(chain);
        }

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type, final SSLEngine engine) {
            note(chain);
        }

        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type) {
            throw new IllegalStateException("a client has no clients");
        }

        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type, final Socket socket) {
            throw new IllegalStateException("a client has no clients");
        }

        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type, final SSLEngine engine) {
            throw new IllegalStateException("a client has no clients");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
