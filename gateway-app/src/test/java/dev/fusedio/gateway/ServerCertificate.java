package dev.fusedio.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A certificate for a name that nothing here has, and its key, both PEM.
 *
 * @param certificate the certificate's file
 * @param key the key's file
 */
record ServerCertificate(Path certificate, Path key) {
    /** Makes one; skips the test where openssl is missing. */
    static ServerCertificate make(final Path folder) throws IOException, InterruptedException {
        Openssl.assume();
        Files.createDirectories(folder);
        Openssl.run(
                folder,
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=storage.example"
                        + " -addext subjectAltName=DNS:storage.example -keyout tls.key -out tls.crt");
        return new ServerCertificate(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    }
}
