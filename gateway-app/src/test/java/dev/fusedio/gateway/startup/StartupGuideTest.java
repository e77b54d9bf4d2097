package dev.fusedio.gateway.startup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

class StartupGuideTest extends ApiTest {
    @Autowired
    private StartupGuide guide;

    @Test
    void printsCommandsThatReachTheVolume() {
        create("{\"name\": \"v\", \"size\": 4096}");
        assertThat(guide.text("http://127.0.0.1:8080"))
                .contains("nbdinfo nbd://127.0.0.1:10809/v")
                .contains("nbdcopy --progress disk.img nbd://127.0.0.1:10809/v")
                .contains("qemu-img info nbd://127.0.0.1:10809/v")
                .contains("curl http://127.0.0.1:8080/api/v1/volumes");
    }

    @Test
    void aWildcardIsNoAddressToConnectTo() {
        create("{\"name\": \"v\", \"size\": 4096}");
        sessions.reset("0.0.0.0:10809");
        assertThat(guide.text("http://127.0.0.1:8080")).contains("nbdinfo nbd://127.0.0.1:10809/v");
        sessions.reset("[0:0:0:0:0:0:0:0]:10809");
        assertThat(guide.text("http://127.0.0.1:8080")).contains("nbdinfo nbd://[::1]:10809/v");
        sessions.reset("unix:/run/gateway.sock");
        assertThat(guide.text("http://127.0.0.1:8080")).contains("nbdinfo 'nbd+unix:///v?socket=/run/gateway.sock'");
    }

    @Test
    void promisesNothingThatIsNotThere() {
        sessions.reset();
        assertThat(guide.text("http://127.0.0.1:8080")).doesNotContain("nbd");
    }
}
