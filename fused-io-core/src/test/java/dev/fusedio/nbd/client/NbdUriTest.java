package dev.fusedio.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NbdUriTest {
    @ParameterizedTest
    @CsvSource({
        "nbd://host/vol, host, 10809, vol",
        "nbd://host:1/vol, host, 1, vol",
        "nbd://host:/vol, host, 10809, vol",
        "NBD://Host:65535/a/b, Host, 65535, a/b",
        "nbd://127.0.0.1, 127.0.0.1, 10809, ''",
        "nbd://h/, h, 10809, ''",
        "nbd://[::1]:5/x, ::1, 5, x",
        "nbd://[fe80::1]/x, fe80::1, 10809, x",
        "nbd://h/a%20b%2Fc, h, 10809, a b/c",
        "nbd://h/%C3%A4+, h, 10809, ä+",
        "nbd://h//lead, h, 10809, /lead",
    })
    void readsTcp(final String text, final String host, final int port, final String export) {
        assertThat(NbdUri.parse(text)).isEqualTo(NbdUri.tcp(host, port, export));
    }

    @ParameterizedTest
    @CsvSource({
        "nbd+unix:///vol?socket=/tmp/s, /tmp/s, vol",
        "nbd+unix:///?socket=/tmp/s, /tmp/s, ''",
        "nbd+unix://?socket=/tmp/s, /tmp/s, ''",
        "nbd+unix:///a%3Fb?socket=/tmp/with%20space, /tmp/with space, a?b",
    })
    void readsUnix(final String text, final String socket, final String export) {
        assertThat(NbdUri.parse(text)).isEqualTo(NbdUri.unix(Path.of(socket), export));
    }

    @ParameterizedTest
    @CsvSource({
        "host/vol, no scheme",
        "http://host/vol, not one of NBD",
        "nbds://host/vol, TLS",
        "nbds+unix:///v?socket=/s, TLS",
        "nbd+vsock://2/vol, vsock",
        "nbd:///vol, names no host",
        "nbd://h:0/vol, from 1 to 65535",
        "nbd://h:65536/vol, from 1 to 65535",
        "nbd://h:12x/vol, not a number",
        "nbd://h:-1/vol, not a number",
        "nbd://[::1/vol, brackets",
        "nbd://u@h/vol, user name",
        "nbd://h/vol?socket=/x, no parameters",
        "nbd://h/%4, hexadecimal",
        "nbd://h/%zz, hexadecimal",
        "nbd://h/%, hexadecimal",
        "nbd://h/%ff, not UTF-8",
        "nbd://h/%00, zero byte",
        "nbd://h/a#b, fragment",
        "nbd+unix://host/vol?socket=/s, no host",
        "nbd+unix:///vol, names no socket",
        "nbd+unix:///vol?socket=, names no socket",
        "nbd+unix:///vol?socket=/a&socket=/b, two sockets",
        "nbd+unix:///vol?tls=on&socket=/a, unknown",
        "nbd+unix:///vol?socket=/a%00b, zero byte",
    })
    void refuses(final String text, final String reason) {
        assertThatThrownBy(() -> NbdUri.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void boundsTheName() {
        assertThat(NbdUri.parse("nbd://h/" + "x".repeat(4096)).export()).hasSize(4096);
        assertThatThrownBy(() -> NbdUri.parse("nbd://h/" + "x".repeat(4097))).hasMessageContaining("4096");
        assertThatThrownBy(() -> NbdUri.parse("nbd://h/" + "x".repeat(20000))).hasMessageContaining("longer");
    }

    @Test
    void writesWhatItReads() {
        for (final String text :
                new String[] {"nbd://h:10809/a%20b%25", "nbd://[::1]:7/%C3%A4", "nbd+unix:///v%3F?socket=/tmp/a%20b%26"
                }) {
            assertThat(NbdUri.parse(text)).hasToString(text);
            assertThat(NbdUri.parse(NbdUri.parse(text).toString())).isEqualTo(NbdUri.parse(text));
        }
    }

    @Test
    void messagesShowNoControlCharacters() {
        assertThatThrownBy(() -> NbdUri.parse("x://\u001b[2J\u202e"))
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\u001b", "\u202e"));
    }
}
