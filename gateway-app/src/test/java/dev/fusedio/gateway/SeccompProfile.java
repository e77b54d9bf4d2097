package dev.fusedio.gateway;

import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The seccomp profile that the chart and the compose file use. */
final class SeccompProfile {
    private static final Path FILE = Path.of("../helm/fused-gateway/files/seccomp/fused-gateway.json");

    private SeccompProfile() {}

    static ObjectNode shipped() {
        return (ObjectNode) JsonMapper.shared().readTree(FILE.toFile());
    }
}
