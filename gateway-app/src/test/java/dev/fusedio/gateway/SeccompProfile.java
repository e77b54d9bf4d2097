package dev.fusedio.gateway;

import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The seccomp profile that the chart and the compose file use. */
final class SeccompProfile {
    private static final Path FILE = Path.of("../helm/fused-gateway/files/seccomp/fused-gateway.json");

    private SeccompProfile() {}

    static ObjectNode shipped() {
        return (ObjectNode) JsonMapper.shared().readTree(FILE.toFile());
    }

    /** The same as an engine's default, which knows no io_uring and answers with {@code errno}. */
    static ObjectNode withoutIoUring(final int errno) {
        final ObjectNode profile = shipped();
        profile.put("defaultErrnoRet", errno);
        final ArrayNode rules = (ArrayNode) profile.get("syscalls");
        rules.removeIf(rule -> rule.get("names").toString().contains("io_uring_setup"));
        return profile;
    }
}
